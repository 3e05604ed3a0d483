"""Namespaces of a Temporal server, so that platforms on one server do not meet."""

import itertools
from typing import Final

from google.protobuf.duration_pb2 import Duration
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.api.workflowservice.v1 import RegisterNamespaceRequest
from temporalio.client import Client

from sandbox.world import our_search_attributes

_DAY = Duration(seconds=86_400)
# One count for all that make namespaces on the session's server.
_NUMBERS: Final = itertools.count(1)


async def new_namespace(address: str) -> str:
    """Make a namespace that nobody else uses; gives its name."""
    name = f"whole-way-{next(_NUMBERS)}"
    await register_namespace(address, name)
    return name


async def register_namespace(address: str, name: str) -> None:
    """Make a namespace that knows our search attributes."""
    client = await Client.connect(address, namespace=name)
    await client.workflow_service.register_namespace(
        RegisterNamespaceRequest(namespace=name, workflow_execution_retention_period=_DAY)
    )
    await client.operator_service.add_search_attributes(
        AddSearchAttributesRequest(namespace=name, search_attributes=our_search_attributes())
    )
