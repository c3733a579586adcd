"""Every message that docs/operations.md explains exists in the sources.

Usage: documented_messages.py SOURCE_DIR
"""

import pathlib
import re
import sys

LITERAL = re.compile(r'"((?:[^"\\\n]|\\.)*)"')


def literals(text):
    """String literals; adjacent ones, which C++ joins, as one."""
    joined = re.sub(r'"\s*\n\s*"', "", text)
    for match in LITERAL.finditer(joined):
        yield match.group(1).replace('\\"', '"').replace("\\\\", "\\")


def main():
    root = pathlib.Path(sys.argv[1])
    known = "\n".join(
        literal
        for path in sorted((root / "src").rglob("*"))
        if path.suffix in (".cc", ".h")
        for literal in literals(path.read_text(encoding="utf-8")))

    page = (root / "docs/operations.md").read_text(encoding="utf-8")
    messages = [
        message
        for section in page.split("## Troubleshooting")[1:]
        for first_column in re.findall(r"^\| (`.+?) \|", section, re.MULTILINE)
        for message in re.findall(r"`([^`]+)`", first_column)]
    if len(messages) < 30:
        sys.exit("only %d messages found: is the page intact?" % len(messages))

    missing = [
        (message, part)
        for message in messages
        # The texts between the names and numbers, without quotes that the
        # code adds itself.
        for part in (p.strip(' "\'(),:') for p in message.split("…"))
        if part and part not in known]
    for message, part in missing:
        print("no source says %r (of: %s)" % (part, message))
    print("%d messages, %d parts missing" % (len(messages), len(missing)))
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
