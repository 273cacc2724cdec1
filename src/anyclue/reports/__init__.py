"""What people and programs read: HTML, mail text, JUnit, JSON.

Rendering only: each function returns a string made from its arguments alone.
"""

from anyclue.reports.clues_json import clues_json
from anyclue.reports.html import report_html
from anyclue.reports.junit import junit_xml
from anyclue.reports.mail import report_text
from anyclue.reports.plain import summary
from anyclue.reports.text import clean
from anyclue.reports.verdicts_json import verdicts_json

__all__ = [
    "clean",
    "clues_json",
    "junit_xml",
    "report_html",
    "report_text",
    "summary",
    "verdicts_json",
]
