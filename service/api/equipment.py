"""HTTP for customers' equipment."""

from __future__ import annotations

from datetime import date
from typing import Literal

import msgspec

from service.api import answers
from service.api.bodies import JsonBody
from service.api.operations import Operation, promises
from service.api.requests import Request, Response
from service.api.resources import Resource
from service.api.validation import Text
from service.domain.equipment import EquipmentOfAccount, NewChange, NewEquipment
from service.usecases.equipment import change_equipment, equipment_of_account, install_equipment


class EquipmentSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """
    A transformer, or a motor at high voltage, as its plate says; decimal numbers are text.

    It runs from the day `runs_from` on, that day as a whole. A motor has a capacity alone.
    """

    equipment_no: Text
    kind: Literal["transformer", "motor"]
    capacity_kva: Text
    runs_from: date
    document_no: Text
    no_load_kw: Text | None = None
    load_kw: Text | None = None
    no_load_percent: Text | None = None
    short_circuit_percent: Text | None = None


class ChangeSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What condition equipment is in from a day on, that day as a whole."""

    from_day: date
    condition: Literal["running", "suspended", "removed"]
    document_no: Text


_EQUIPMENT = JsonBody(EquipmentSent)
_CHANGE = JsonBody(ChangeSent)


class Equipment(Resource):
    """`/v1/accounts/{account_no}/equipment`"""

    @promises(
        Operation(
            summary="Read a customer's transformers and motors, each with when it ran.",
            permission="accounts.read",
            answer=EquipmentOfAccount,
        )
    )
    def on_get(self, req: Request, resp: Response, account_no: str) -> None:
        """Read."""
        found = equipment_of_account(
            database=req.database, caller=req.caller, account_no=account_no, deadline=req.deadline
        )
        answers.found(req, resp, found)

    @promises(
        Operation(
            summary="Record a transformer or a motor that runs from a day on.",
            permission="equipment.record",
            body=EquipmentSent,
            example={
                "equipment_no": "T1",
                "kind": "transformer",
                "capacity_kva": "630",
                "no_load_kw": "1.2",
                "load_kw": "6.2",
                "no_load_percent": "1.1",
                "short_circuit_percent": "4.5",
                "runs_from": "2027-01-01",
                "document_no": "Work order 650102-77",
            },
            answer=EquipmentOfAccount,
            status=201,
        )
    )
    def on_post(self, req: Request, resp: Response, account_no: str) -> None:
        """Record."""
        once, sent = _EQUIPMENT.read(req)
        answer = install_equipment(
            database=req.database,
            caller=req.caller,
            once=once,
            account_no=account_no,
            new=msgspec.convert(sent, NewEquipment, from_attributes=True),
            now=self._clock(),
            deadline=req.deadline,
        )
        answers.given(resp, answer)


class EquipmentChanges(Resource):
    """`/v1/accounts/{account_no}/equipment/{equipment_no}/changes`"""

    @promises(
        Operation(
            summary="Record that equipment is sealed, runs again, or is removed, from a day on.",
            permission="equipment.record",
            body=ChangeSent,
            example={
                "from_day": "2027-03-11",
                "condition": "suspended",
                "document_no": "Work order 650102-81",
            },
            answer=EquipmentOfAccount,
            status=201,
        )
    )
    def on_post(self, req: Request, resp: Response, account_no: str, equipment_no: str) -> None:
        """Record."""
        once, sent = _CHANGE.read(req)
        answer = change_equipment(
            database=req.database,
            caller=req.caller,
            once=once,
            account_no=account_no,
            equipment_no=equipment_no,
            new=msgspec.convert(sent, NewChange, from_attributes=True),
            now=self._clock(),
            deadline=req.deadline,
        )
        answers.given(resp, answer)
