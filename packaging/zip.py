#!/usr/bin/env python3
"""Packs a folder into the same bytes each time: names in order, with the time of SOURCE_DATE_EPOCH or 1980.

    packaging/zip.py PARENT FOLDER ARCHIVE      FOLDER lies in PARENT, and is what names begin with; "." for the files of PARENT
"""

import os
import sys
import time
import zipfile
from pathlib import Path

parent, folder, archive = sys.argv[1:]
moment = max(int(os.environ.get("SOURCE_DATE_EPOCH", "0")), 315532800)
files = sorted(path for path in (Path(parent) / folder).rglob("*") if path.is_file())
with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as out:
    for path in files:
        entry = zipfile.ZipInfo(path.relative_to(parent).as_posix(), time.gmtime(moment)[:6])
        entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o100644 << 16
        out.writestr(entry, path.read_bytes())
