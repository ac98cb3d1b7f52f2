"""Typesetting: a document's words into a PDF, with the fonts of the host."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec
import typst

from service.documents.bill_paper import BillPaper

_FOLDER = Path(__file__).parent
_BILL = _FOLDER / "bill.typ"
# For archives: fonts inside, nothing that changes with the reader (ISO 19005-2, level B).
_ARCHIVED: Final = "a-2b"


class Typesetter:
    """Makes PDFs, one at a time; looks for the host's fonts with the first."""

    def __init__(self) -> None:
        self._compiler: typst.Compiler | None = None

    def bill(self, paper: BillPaper, *, made_at: datetime) -> bytes:
        """
        Return a bill as a PDF/A-2b; the same paper of the same moment is the same bytes.

        A character that no font of the host has stands as an empty box, which archives may not
        hold: such a bill is a plain PDF. The library lets go of the interpreter while it works.
        """
        if self._compiler is None:
            self._compiler = typst.Compiler(_BILL, root=_FOLDER)
        try:
            return self._set(paper, made_at, standards=[_ARCHIVED])
        except typst.TypstError:
            return self._set(paper, made_at, standards=[])

    def _set(
        self, paper: BillPaper, made_at: datetime, *, standards: list[typst.PDFStandard]
    ) -> bytes:
        assert self._compiler is not None, "it is made before anything is set"
        made = self._compiler.compile(
            format="pdf",
            sys_inputs={"bill": msgspec.json.encode(paper).decode()},
            pdf_standards=standards,
            timestamp=int(made_at.timestamp()),
        )
        assert isinstance(made, bytes), "a PDF is one piece, whatever its pages"
        return made
