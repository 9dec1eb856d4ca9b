"""The pictures beside words: one path each, 20 units wide, drawn with a line of the text's color."""

from collections.abc import Mapping
from typing import Final

ICONS: Final[Mapping[str, str]] = {
    "overview": "M3 11l7-7 7 7M5 9.5V17h10V9.5",
    "expenses": "M3 17h14M5.5 14v-4M10 14V5M14.5 14V8",
    "invoices": "M5 2.5h7L15.5 6v11.5h-10.5zM8 9h5M8 12h5M8 6h2",
    "rejections": "M10 3l7.5 13.5h-15zM10 8v4M10 14.2v.3",
    "upload": "M10 13V4M6.5 7L10 3.5 13.5 7M4 12v4.5h12V12",
    "reports": "M3.5 3.5h13v13h-13zM3.5 8h13M8 8v8.5",
    "account": "M10 10.5a3.5 3.5 0 100-7 3.5 3.5 0 000 7zM3.5 17c.8-3 3.3-4.5 6.5-4.5s5.7 1.5 6.5 4.5",
    "download": "M10 3.5V13M6.5 9.5L10 13l3.5-3.5M4 16.5h12",
    "pass": "M4.5 10.5l3.5 3.5 7.5-8",
    "warn": "M10 3l7.5 13.5h-15zM10 8v4M10 14.2v.3",
    "fail": "M5 5l10 10M15 5L5 15",
    "none": "M5 10h10",
    "wait": "M10 3.5a6.5 6.5 0 100 13 6.5 6.5 0 000-13M10 6v4.3l2.7 1.7",
    "next": "M8 5l5 5-5 5",
    "previous": "M12 5l-5 5 5 5",
    "up": "M5 12l5-5 5 5",
    "down": "M5 8l5 5 5-5",
}
