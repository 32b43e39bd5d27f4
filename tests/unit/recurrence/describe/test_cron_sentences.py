"""What is said of cron expressions, one by one."""

import pytest

from templates_app.recurrence.describe import sentence
from templates_app.recurrence.parse import parse

CRON = [
    ("* * * * *", "Every minute"),
    ("*/15 * * * *", "Every 15 minutes"),
    ("5/15 * * * *", "Every 15 minutes, starting at 5 minutes past the hour"),
    ("*/7 * * * *", "At every 7th minute from 0 to 56 past the hour"),
    ("5 * * * *", "At 5 minutes past every hour"),
    ("1 * * * *", "At 1 minute past every hour"),
    ("0 * * * *", "Every hour"),
    ("51-4 * * * *", "Every minute from 0 to 4 and from 51 to 59 past the hour"),
    ("0,25,50 * * * *", "At 0, 25 and 50 minutes past the hour"),
    ("15-30/4,55 * * * *", "At 15, 19, 23, 27 and 55 minutes past the hour"),
    ("1,2,4,8,16,32,33,35,39,47,55,57,58,59 * * * *", "At 14 minutes of the hour"),
    ("0 9 * * *", "At 09:00 every day"),
    ("0 9,12,17 * * *", "At 09:00, 12:00 and 17:00 every day"),
    ("0,30 9,17 * * *", "At 09:00, 09:30, 17:00 and 17:30 every day"),
    ("0 1,2,3,5,8,13,21 * * *", "At 01:00, 02:00, 03:00, 05:00, 08:00, 13:00 and 21:00 every day"),
    ("0 9-17 * * *", "Every hour from 09:00 to 17:00, every day"),
    ("30 9-17 * * *", "Every hour from 09:30 to 17:30, every day"),
    ("30 22-6 * * *", "Every hour from 22:30 to 06:30, every day"),
    ("0 */2 * * *", "Every 2 hours from 00:00 to 22:00, every day"),
    ("15 */6 * * *", "At 00:15, 06:15, 12:15 and 18:15 every day"),
    ("*/20 9-16 * * MON-FRI", "Every 20 minutes between 09:00 and 16:59, on weekdays"),
    ("*/15 22-6 * * *", "Every 15 minutes between 22:00 and 06:59, every day"),
    (
        "*/15 22-6 * * 1-5",
        "Every 15 minutes between 00:00 and 06:59 and between 22:00 and 23:59, on weekdays",
    ),
    ("*/15 2 * * *", "At 02:00, 02:15, 02:30 and 02:45 every day"),
    (
        "*/5 9-10,14-15 * * *",
        "Every 5 minutes between 09:00 and 10:59 and between 14:00 and 15:59, every day",
    ),
    ("*/15 */2 * * *", "Every 15 minutes, in every 2nd hour (00:00, 02:00 … 22:00), every day"),
    (
        "*/10 1,3,7,12,20 * * *",
        "Every 10 minutes, in the hours that begin at 01:00, 03:00, 07:00, 12:00 and 20:00, every day",
    ),
    (
        "* 5,21-22 * * *",
        "Every minute between 05:00 and 05:59 and between 21:00 and 22:59, every day",
    ),
    ("0 9 * * MON-FRI", "At 09:00, on weekdays"),
    ("0 9 * * 0,6", "At 09:00, on Saturday and Sunday"),
    ("0 0 * * 0/7", "At 00:00, on Sunday"),
    ("0 0 * * 5-7", "At 00:00, on Friday, Saturday and Sunday"),
    ("0 0 * * FRI-MON", "At 00:00, on Monday, Friday, Saturday and Sunday"),
    ("0 0 * * 0,2-6", "At 00:00, on every day but Monday"),
    ("0 9 * * 1-7", "At 09:00 every day"),
    ("0 9 * * 2#2", "At 09:00, on the second Tuesday of the month"),
    ("0 9 * * MON#1,MON#3", "At 09:00, on the first Monday and the third Monday of the month"),
    ("0 9 * * 1,3#2", "At 09:00, on every Monday, and on the second Wednesday of the month"),
    ("0 9 * * 3#5", "At 09:00, on the fifth Wednesday of the month"),
    ("0 9 * * 5L", "At 09:00, on the last Friday of the month"),
    ("0 9 1 * *", "At 09:00, on the 1st of every month"),
    ("0 9 1,15 * *", "At 09:00, on the 1st and the 15th of every month"),
    ("0 9 1-7 * *", "At 09:00, on the 1st to the 7th of every month"),
    ("0 9 */2 * *", "At 09:00, on every 2nd day from the 1st to the 31st of every month"),
    (
        "0 9 5-8,19,20,28-29 * *",
        "At 09:00, on the 5th to the 8th, the 19th, the 20th, the 28th and the 29th of every month",
    ),
    ("0 9 L * *", "At 09:00, on the last day of every month"),
    ("0 9 1,15,L * *", "At 09:00, on the 1st, the 15th and the last day of every month"),
    ("0 9 L-1 * *", "At 09:00, on the second to last day of every month"),
    ("0 9 L-3 * *", "At 09:00, on the fourth to last day of every month"),
    ("0 9 LW * *", "At 09:00, on the last weekday of every month"),
    ("0 9 L-4W * *", "At 09:00, on the weekday nearest to the fifth to last day of every month"),
    ("0 9 15W * *", "At 09:00, on the weekday nearest to the 15th of every month"),
    (
        "0 9 1W,15,LW * *",
        "At 09:00, on the 15th, the weekday nearest to the 1st and the last weekday of every month",
    ),
    (
        "0 9 1,3,4,6,7,9,11,12,14,15,17,19,20,22,23,25,27,28,30 * *",
        "At 09:00, on 19 days of every month",
    ),
    (
        "0 9 11,12,13,21,22,23,31 * *",
        "At 09:00, on the 11th to the 13th, the 21st to the 23rd and the 31st of every month",
    ),
    ("30 4 1,15 * 5", "At 04:30, on the 1st and the 15th of every month, and on every Friday"),
    ("0 9 13 * 5", "At 09:00, on the 13th of every month, and on every Friday"),
    (
        "0 9 */2 * 5",
        "At 09:00, on every 2nd day from the 1st to the 31st of every month, only if it is a Friday",
    ),
    ("0 9 1-31 * MON", "At 09:00 every day"),
    (
        "0 9 13 * FRI#2",
        "At 09:00, on the 13th of every month, and on the second Friday of the month",
    ),
    ("0 0 1 1 *", "At 00:00, on 1 January every year"),
    ("0 0 29 2 *", "At 00:00, on 29 February every year"),
    ("0 9 1 1,7 *", "At 09:00, on the 1st of January and July"),
    ("0 9 1 */3 *", "At 09:00, on the 1st of January, April, July and October"),
    ("0 9 1 3-12 *", "At 09:00, on the 1st of every month from March to December"),
    ("0 9 1 11-2 *", "At 09:00, on the 1st of every month from November to February"),
    ("0 9 1 1 1", "At 09:00, on the 1st of January, and on every Monday, in January"),
    ("*/5 * * 1 *", "Every 5 minutes, in January"),
    ("0 9 * 6-8 *", "At 09:00 every day from June to August"),
    ("0 9 * 6-8 1", "At 09:00, on Monday, from June to August"),
    ("0 9 L 2 ?", "At 09:00, on the last day of February"),
    ("0 0 12 1 1 ? 2026", "At 12:00, on 1 January 2026"),
    ("0 0 12 * * ? 2026", "At 12:00 every day, in 2026"),
    ("0 0 12 * * ? 2026-2030", "At 12:00 every day, from 2026 to 2030"),
    ("0 0 12 * * ? 2026,2028", "At 12:00 every day, in 2026 and 2028"),
    ("0 0 12 * * ? */2", "At 12:00 every day, in every 2nd year from 1970 to 2198"),
    ("0 0 12 1 1 ? 2026,2027", "At 12:00, on the 1st of January, in 2026 and 2027"),
    ("* * * * * *", "Every second"),
    ("*/10 * * * * *", "Every 10 seconds"),
    ("5/15 * * * * *", "Every 15 seconds from second 5"),
    ("30 * * * * *", "Every minute at second 30"),
    ("30 15 9 * * *", "At 09:15:30 every day"),
    ("*/30 0 1 * * *", "At 01:00 and 01:00:30 every day"),
    ("* * 11 * * *", "Every second between 11:00 and 11:59:59, every day"),
    (
        "0-30 30 1 * * *",
        "Every second from 0 to 30 of minute 30 of the hour between 01:00 and 01:59:59, every day",
    ),
    (
        "0,7,11 */3 1,2 * * *",
        "At seconds 0, 7 and 11 of every 3rd minute from 0 to 57 of the hour between 01:00 and 02:59:59, every day",
    ),
    (
        "31 10-15 1 * * MON-FRI",
        "At 01:10:31, 01:11:31, 01:12:31, 01:13:31, 01:14:31 and 01:15:31, on weekdays",
    ),
    (
        "50-56 40-50 15-20 5-10 11,12 5,6,7",
        "Every second from 50 to 56 of minutes 40 to 50 of the hour between 15:00 and 20:59:59, on the 5th to the 10th of November and December, and on every Friday, every Saturday and every Sunday, in November and December",
    ),
    ("@hourly", "Every hour"),
    ("@daily", "At 00:00 every day"),
    ("@weekly", "At 00:00, on Sunday"),
    ("@monthly", "At 00:00, on the 1st of every month"),
    ("@yearly", "At 00:00, on 1 January every year"),
    ("H * * * *", "Every hour, at a minute chosen for this template"),
    ("H 3 * * *", "At a minute chosen for this template, between 03:00 and 03:59, every day"),
    ("H H * * *", "At an hour and a minute chosen for this template, every day"),
    ("H/15 * * * *", "Every 15 minutes, starting at a minute chosen for this template"),
    (
        "H/7 9-17 * * 1-5",
        "At every 7th minute, beginning with one chosen for this template, between 09:00 and 17:59, on weekdays",
    ),
    (
        "H(0-29)/10 * * * *",
        "Every hour, at every 10th minute from 0 to 29, beginning with one chosen for this template",
    ),
    (
        "H H(0-7) * * *",
        "At a minute chosen for this template, in an hour from 0 to 7 chosen for this template, every day",
    ),
    (
        "H H H * *",
        "At an hour and a minute chosen for this template, on a day of the month chosen for this template",
    ),
    (
        "H H * * H",
        "At an hour and a minute chosen for this template, on a day of the week chosen for this template",
    ),
    ("0 9 1 H *", "At 09:00, on the 1st of the month, in a month chosen for this template"),
    (
        "0 9 H,L * *",
        "At 09:00, on days of the month partly chosen for this template and the last day",
    ),
    ("5,H * * * *", "Every hour, at minutes partly chosen for this template"),
    ("30 H * * *", "At 30 minutes past the hour, in an hour chosen for this template, every day"),
    (
        "H 30 9 * * *",
        "At a second chosen for this template, at 30 minutes past the hour, between 09:00 and 09:59:59, every day",
    ),
]

BOTH_DAYS = [
    ("0 9 13 * 5", "At 09:00, on the 13th of every month, only if it is a Friday"),
    ("0 9 1-7 * 1", "At 09:00, on the 1st to the 7th of every month, only if it is a Monday"),
    (
        "0 9 1-7 * 1,3",
        "At 09:00, on the 1st to the 7th of every month, only if it is a Monday or a Wednesday",
    ),
    (
        "0 9 13 * FRI#2",
        "At 09:00, on the 13th of every month, only if it is the second Friday of the month",
    ),
    ("0 9 * * 1", "At 09:00, on Monday"),
    ("0 9 13 6 5", "At 09:00, on the 13th of June, only if it is a Friday"),
]


@pytest.mark.parametrize(("expression", "expected"), CRON)
def test_a_cron_expression_is_said_plainly(expression, expected):
    document = {"kind": "cron", "expression": expression, "timezone": "Europe/Madrid"}

    assert sentence(parse(document).document) == f"{expected}; Europe/Madrid"


@pytest.mark.parametrize(("expression", "expected"), BOTH_DAYS)
def test_day_match_and_is_told_from_or(expression, expected):
    document = {"kind": "cron", "expression": expression, "day_match": "and", "timezone": "UTC"}

    assert sentence(parse(document).document) == f"{expected}; UTC"


def test_h_says_the_same_for_every_template():
    document = {"kind": "cron", "expression": "H H(2-5) H * *", "timezone": "UTC"}

    told = {sentence(parse(document, seed=str(seed)).document) for seed in range(20)}

    assert told == {
        (
            "At a minute chosen for this template, in an hour from 2 to 5 chosen for this template, "
            "on a day of the month chosen for this template; UTC"
        )
    }
