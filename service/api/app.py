"""The HTTP application: every route on one page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path

import falcon

from service.api import (
    bill_cancellations,
    bill_runs,
    bills,
    energy_corrections,
    errors,
    openapi,
    payments,
    price_proposals,
    probes,
    reading_corrections,
    reading_findings,
    reading_plans,
    reading_sections,
    readings,
    sessions,
    staff,
)
from service.api.account_closings import Closing
from service.api.accounts import AccountByNumber, AccountImports, Accounts
from service.api.apportionments import Apportionments
from service.api.authentication import Authentication
from service.api.bill_calculations import BillCalculations
from service.api.consistency import Consistency
from service.api.docs import Docs, Home, OpenApi, Style
from service.api.equipment import Equipment, EquipmentChanges
from service.api.estimates import Estimates
from service.api.household_terms import HouseholdTerms
from service.api.meters import Meters
from service.api.metrics import Metrics
from service.api.observation import Observation
from service.api.passwords import PasswordChanges
from service.api.prices import Prices
from service.api.reading_files import ReadingFiles
from service.api.requests import Request, Response
from service.api.resources import Resource
from service.api.sign_in import IdentityResource
from service.api.staff_events import StaffEvents
from service.api.supply_terms import SupplyTerms
from service.store.database import Database
from service.usecases.identity import Identity

# What the business offers; a token is needed, and a role that includes it.
BUSINESS: Mapping[str, type[Resource]] = {
    "/v1/account-imports": AccountImports,
    "/v1/accounts": Accounts,
    "/v1/accounts/{account_no}": AccountByNumber,
    "/v1/accounts/{account_no}/apportionments": Apportionments,
    "/v1/accounts/{account_no}/bills": bills.AccountBills,
    "/v1/accounts/{account_no}/closing": Closing,
    "/v1/accounts/{account_no}/equipment": Equipment,
    "/v1/accounts/{account_no}/equipment/{equipment_no}/changes": EquipmentChanges,
    "/v1/accounts/{account_no}/estimates": Estimates,
    "/v1/accounts/{account_no}/household-terms": HouseholdTerms,
    "/v1/accounts/{account_no}/meters": Meters,
    "/v1/accounts/{account_no}/supply-terms": SupplyTerms,
    "/v1/accounts/{account_no}/statement": payments.Statement,
    "/v1/accounts/{account_no}/readings": reading_corrections.AccountReadings,
    "/v1/readings": readings.Readings,
    "/v1/reading-files": ReadingFiles,
    "/v1/reading-corrections": reading_corrections.ReadingCorrections,
    "/v1/reading-corrections/{correction_no:int}": reading_corrections.ReadingCorrectionByNumber,
    "/v1/reading-corrections/{correction_no:int}/approvals": reading_corrections.Approvals,
    "/v1/reading-corrections/{correction_no:int}/rejections": reading_corrections.Rejections,
    "/v1/reading-findings": reading_findings.ReadingFindings,
    "/v1/reading-findings/{finding_no:int}": reading_findings.ReadingFindingByNumber,
    "/v1/reading-findings/{finding_no:int}/acceptances": reading_findings.Acceptances,
    "/v1/reading-sections": reading_sections.ReadingSections,
    "/v1/reading-sections/{section_no:int}": reading_sections.ReadingSectionByNumber,
    "/v1/reading-sections/{section_no:int}/routes": reading_sections.Routes,
    "/v1/reading-plans": reading_plans.ReadingPlans,
    "/v1/reading-plans/{plan_no:int}": reading_plans.ReadingPlanByNumber,
    "/v1/reading-plans/{plan_no:int}/assignments": reading_plans.Assignments,
    "/v1/prices": Prices,
    "/v1/price-proposals": price_proposals.PriceProposals,
    "/v1/price-proposals/{proposal_no:int}": price_proposals.PriceProposalByNumber,
    "/v1/price-proposals/{proposal_no:int}/tests": price_proposals.PriceTests,
    "/v1/price-proposals/{proposal_no:int}/approvals": price_proposals.PriceApprovals,
    "/v1/price-proposals/{proposal_no:int}/rejections": price_proposals.PriceRejections,
    "/v1/price-proposals/{proposal_no:int}/publications": price_proposals.PricePublications,
    "/v1/bill-calculations": BillCalculations,
    "/v1/bill-runs": bill_runs.BillRuns,
    "/v1/bill-runs/{bill_run_id:int}": bill_runs.BillRunByNumber,
    "/v1/bill-runs/{bill_run_id:int}/samples": bill_runs.BillRunSamples,
    "/v1/bill-runs/{bill_run_id:int}/approvals": bill_runs.Approvals,
    "/v1/bill-runs/{bill_run_id:int}/rejections": bill_runs.Rejections,
    "/v1/bills/{bill_no}": bills.BillByNumber,
    "/v1/bills/{bill_no}/document": bills.BillDocument,
    "/v1/bill-cancellations": bill_cancellations.BillCancellations,
    "/v1/bill-cancellations/{cancellation_no:int}": bill_cancellations.BillCancellationByNumber,
    "/v1/bill-cancellations/{cancellation_no:int}/approvals": bill_cancellations.Approvals,
    "/v1/bill-cancellations/{cancellation_no:int}/rejections": bill_cancellations.Rejections,
    "/v1/energy-corrections": energy_corrections.EnergyCorrections,
    "/v1/energy-corrections/{energy_correction_no:int}": energy_corrections.CorrectionByNumber,
    "/v1/energy-corrections/{energy_correction_no:int}/approvals": energy_corrections.Approvals,
    "/v1/energy-corrections/{energy_correction_no:int}/rejections": energy_corrections.Rejections,
    "/v1/energy-corrections/{energy_correction_no:int}/reversals": energy_corrections.Reversals,
    "/v1/payments": payments.Payments,
    "/v1/payments/{payment_no}": payments.PaymentByNumber,
    "/v1/staff-events": StaffEvents,
}
# How people prove who they are, and administrators look after them.
IDENTITY: Mapping[str, type[IdentityResource]] = {
    "/v1/sessions": sessions.Sessions,
    "/v1/sessions/oidc": sessions.IssuerSessions,
    "/v1/sessions/current": sessions.CurrentSession,
    "/v1/sessions/current/renewals": sessions.Renewals,
    "/v1/password-changes": PasswordChanges,
    "/v1/staff": staff.Staff,
    "/v1/staff/{user_name}": staff.StaffByName,
    "/v1/staff/{user_name}/locks": staff.StaffLocks,
    "/v1/staff/{user_name}/unlocks": staff.StaffUnlocks,
    "/v1/staff/{user_name}/password-resets": staff.PasswordResets,
}
# What the operations staff ask, without a token.
PROBES: Mapping[str, type] = {
    "/live": probes.Live,
    "/ready": probes.Ready,
    "/version": probes.ThisVersion,
}


def description(*, version: str) -> dict[str, object]:
    """Return the OpenAPI description of everything above, as of a release."""
    return openapi.document({**BUSINESS, **IDENTITY, **PROBES}, version=version)


def create_app(
    *,
    database: Database,
    identity: Identity,
    clock: Callable[[], datetime],
    deadline_s: float,
    host: str,
    version: str,
    metrics_folder: Path | None = None,
) -> falcon.App[Request, Response]:
    """
    Build the WSGI application from what it depends on.

    :param deadline_s: how long a request may wait for the database before it is answered 503
    :param metrics_folder: where the processes of this host count together; None for this one alone
    """
    app: falcon.App[Request, Response] = falcon.App(
        request_type=Request,
        response_type=Response,
        middleware=[
            Observation(deadline_s=deadline_s, clock=clock),
            Authentication(database=database, keys=identity.keys, clock=clock),
            Consistency(database=database),
        ],
    )
    errors.add_to(app)
    for path, resource in BUSINESS.items():
        app.add_route(path, resource(clock=clock))
    for path, person in IDENTITY.items():
        app.add_route(path, person(clock=clock, database=database, identity=identity))
    app.add_route("/live", probes.Live())
    app.add_route("/ready", probes.Ready(database=database))
    app.add_route("/version", probes.ThisVersion(version=version, host=host))
    app.add_route("/metrics", Metrics(metrics_folder))
    described = description(version=version)
    app.add_route("/openapi.json", OpenApi(described))
    app.add_route("/", Home())
    app.add_route("/docs", Docs(described))
    app.add_route("/docs/style.css", Style())
    return app
