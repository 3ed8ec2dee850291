"""A PDF's text, read in a process of its own: `python pdf_reader.py SECONDS < note.pdf`.

A page of a few kB can hold operations for hours and memory without end, and what a patient sends to the hospital
becomes a note, too. The system ends this process after so many seconds of the processor; whoever called it goes on.
"""

import io
import logging
import resource
import sys

MEMORY = 1 << 30
PAGES = 300
LOCKED, TOO_MANY_PAGES, DAMAGED = 3, 4, 5  # exit statuses


def read(data: bytes) -> str | int:
    """The text of all pages, or why there is none. Raises whatever pypdf raises."""
    import pypdf  # within the bounds

    logging.getLogger("pypdf").setLevel(logging.CRITICAL + 1)  # it quotes the file, and notes do not belong in logs
    reader = pypdf.PdfReader(io.BytesIO(data))
    if reader.is_encrypted and not reader.decrypt(""):
        return LOCKED
    if len(reader.pages) > PAGES:
        return TOO_MANY_PAGES
    return "\n\n".join(page.extract_text() for page in reader.pages)


def main(seconds: int) -> int:
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        found = read(sys.stdin.buffer.read())
    except Exception:  # pypdf lets many kinds through for a damaged file
        return DAMAGED
    if isinstance(found, int):
        return found
    sys.stdout.buffer.write(found.encode("utf-8", "replace"))
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
