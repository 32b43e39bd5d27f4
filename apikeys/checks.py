"""System checks of this app; see `views_declare_scopes`."""
