"""`python -m api.languages`: bring the catalogues up to date with the templates and the code, and say what they lack."""

from __future__ import annotations

import sys

from adapters.languages.language import SOURCE, catalogue_path, languages, read_catalogue
from api.languages.extracting import brought_up_to_date, untranslated, written


def main() -> int:
    """Write each catalogue anew."""
    lacking = 0
    for tag in languages():
        if tag == SOURCE:
            continue
        catalogue = brought_up_to_date(read_catalogue(tag))
        catalogue_path(tag).write_bytes(written(catalogue))
        for message in untranslated(catalogue):
            lacking += 1
            sys.stdout.write(f"{tag}: {message}\n")
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main())
