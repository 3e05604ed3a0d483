"""The real ERP of the local world holds the made-up firm, and drills can disturb it."""

from sandbox.tryton.server import TrytonServer


async def test_projects_carry_the_codes_that_the_firm_gave_them(erp: TrytonServer) -> None:
    async with erp.admin() as admin:
        rows = await admin.session.find(
            "project.work", [["type", "=", "project"]], "number", "name", "party.code"
        )
    assert [(row["number"], row["name"], row["party."]["code"]) for row in rows] == [
        (project.code, project.name, project.customer.code)
        for project in erp.firm.projects
        if project.known_to_erp
    ]
