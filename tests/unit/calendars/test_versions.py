"""The versions of the data are those that are installed."""

from importlib.metadata import version

from templates_app.calendars.versions import data_versions


def test_the_versions_are_those_of_the_installed_data():
    versions = data_versions()
    assert versions.holidays == version("holidays")
    year, release = versions.tzdata.split(".")[:2]
    assert year.isdigit()
    assert release.isdigit()
