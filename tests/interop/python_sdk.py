"""Calls every admin method of the official Python SDK against the emulator: create, use, then delete.

Started by `run`, which sets environment variables with the base URL and the keys of the emulator.
"""

import os
import sys
import time
import warnings

from portkey_ai import Portkey

BASE = os.environ["INTEROP_BASE_URL"]
RANGE = {
    "time_of_generation_min": "2020-01-01T00:00:00Z",
    "time_of_generation_max": "2040-01-01T00:00:00Z",
}
failures = []


def ok(name, call, /, **expected):
    """Makes a call that must succeed, with the expected fields in the response; returns the response."""
    try:
        response = call()
    except Exception as error:  # any exception only fails this call
        fail(name, f"{type(error).__name__}: {error}")
        return None
    for field, value in expected.items():
        actual = get(response, field)
        if actual != value:
            fail(name, f"expected {value!r} for `{field}`, found {actual!r}")
    print("ok  ", name)
    return response


def bug(number, name, call):
    """Makes a call that fails because of a bug of the SDK; README.md lists it under this number."""
    try:
        call()
    except Exception as error:
        if (getattr(error, "status_code", None) or 0) >= 500:
            fail(name, f"the emulator failed, instead of bug {number}: {error}")
        else:
            print("bug ", number, name, f"({type(error).__name__})")
    else:
        fail(name, f"bug {number} of the SDK is fixed: update README.md and this file")


def fail(name, why):
    print("FAIL", name, why)
    failures.append(name)


def get(response, field):
    """Returns a field of a response, which is a model or a dictionary."""
    if isinstance(response, dict):
        return response.get(field)
    return getattr(response, field, None)


def first(response):
    """Returns the first item of a list."""
    data = get(response, "data") or []
    return data[0] if data else None


def users(admin):
    ok("users.list", lambda: admin.users.list(page_size=10, current_page=0), total=3)
    invites = admin.users.invites
    invite = ok("invites.create", lambda: invites.create(email="sdk@example.com", role="member"))
    invite_id = get(invite, "id")
    ok("invites.list", lambda: invites.list(email="sdk@example.com", status="pending"), total=1)
    ok("invites.retrieve", lambda: invites.retrieve(invite_id=invite_id), email="sdk@example.com")
    ok("invites.resend", lambda: invites.resend(invite_id=invite_id))
    ok("invites.delete", lambda: invites.delete(invite_id=invite_id))

    found = ok("users.list by email", lambda: admin.users.list(email="member@example.com"), total=1)
    user_id = get(first(found), "id")
    ok("users.retrieve", lambda: admin.users.retrieve(user_id=user_id), email="member@example.com")
    ok("users.update", lambda: admin.users.update(user_id=user_id, role="admin"))
    ok("users.retrieve again", lambda: admin.users.retrieve(user_id=user_id), role="admin")
    return user_id


def workspaces(admin, user_id):
    spaces = admin.workspaces
    created = ok("workspaces.create", lambda: spaces.create(name="From Python", description="An SDK's"))
    workspace = get(created, "id")
    ok("workspaces.list", lambda: spaces.list(name="From Python"))
    ok("workspaces.retrieve", lambda: spaces.retrieve(workspace_id=workspace), name="From Python")
    ok("workspaces.update", lambda: spaces.update(workspace_id=workspace, description="Changed"))
    ok("workspaces.update with an empty string", lambda: spaces.update(
        workspace_id=workspace, description=""))
    bug("P2", "workspaces.update with an empty string",
        lambda: assert_effect(not get(spaces.retrieve(workspace_id=workspace), "description")))

    members = [{"id": user_id, "role": "member"}]
    ok("workspaces.users.create", lambda: spaces.users.create(workspace_id=workspace, users=members))
    ok("workspaces.users.list", lambda: spaces.users.list(workspace_id=workspace))
    one = {"workspace_id": workspace, "user_id": user_id}
    ok("workspaces.users.retrieve", lambda: spaces.users.retrieve(**one), role="member")
    ok("workspaces.users.update", lambda: spaces.users.update(**one, role="manager"))
    ok("workspaces.users.delete", lambda: spaces.users.delete(**one))
    return workspace


def assert_effect(condition):
    """For `bug`: fails if the call succeeded but had the wrong effect."""
    if not condition:
        raise AssertionError("the call had the wrong effect")


def api_keys(client, workspace):
    keys = client.api_keys
    created = ok("api_keys.create", lambda: keys.create(
        type="workspace", sub_type="service", name="sdk", workspace_id=workspace,
        scopes=["configs.list", "completions.write"]))
    key = get(created, "id")
    ok("api_keys.list", lambda: keys.list(page_size=10, current_page=0, workspace_id=workspace), total=1)
    ok("api_keys.retrieve", lambda: keys.retrieve(id=key), name="sdk")
    ok("api_keys.update", lambda: keys.update(id=key, name="sdk 2", scopes=["configs.list"]))
    ok("api_keys.retrieve again", lambda: keys.retrieve(id=key), name="sdk 2")
    ok("api_keys.delete", lambda: keys.delete(id=key))


def configs(client, workspace):
    body = {"retry": {"attempts": 3}}
    created = ok("configs.create", lambda: client.configs.create(
        name="sdk", config=body, workspace_id=workspace))
    slug = get(created, "slug")
    ok("configs.list", lambda: client.configs.list(workspace_id=workspace), total=1)
    ok("configs.retrieve", lambda: client.configs.retrieve(slug=slug), name="sdk")
    ok("configs.update", lambda: client.configs.update(slug=slug, name="sdk 2", config=body))
    ok("configs.delete", lambda: client.configs.delete(slug=slug))


def labels(client, workspace):
    created = ok("labels.create", lambda: client.labels.create(
        name="sdk", workspace_id=workspace, color_code="#00ff00"))
    label = get(created, "id")
    ok("labels.list", lambda: client.labels.list(workspace_id=workspace))
    ok("labels.retrieve", lambda: client.labels.retrieve(label), name="sdk")
    ok("labels.update", lambda: client.labels.update(label, description="Changed"))
    return label


def prompts(client, runner, workspace, label):
    created = ok("collections.create", lambda: client.collections.create("sdk", workspace_id=workspace))
    collection = get(created, "id")
    ok("collections.list", lambda: client.collections.list(workspace_id=workspace))
    ok("collections.retrieve", lambda: client.collections.retrieve(collection), name="sdk")
    ok("collections.update", lambda: client.collections.update(collection, name="sdk 2"))

    created = ok("prompts.create", lambda: client.prompts.create(
        name="greeting", collection_id=collection, string="Hello {{who}}", model="gpt-4o",
        virtual_key="openai-main", parameters={"max_tokens": 10}))
    prompt = get(created, "slug") or get(created, "id")
    ok("prompts.list", lambda: client.prompts.list(collection_id=collection))
    ok("prompts.retrieve", lambda: client.prompts.retrieve(prompt), name="greeting")
    ok("prompts.update", lambda: client.prompts.update(prompt, name="greeting 2"))
    bug("P4", "prompts.update of the content", lambda: client.prompts.update(
        prompt, string="Good day {{who}}", parameters={"max_tokens": 20}, model="gpt-4o",
        virtual_key="openai-main"))
    ok("prompts.publish", lambda: client.prompts.publish(prompt, version=1))
    versions = ok("prompts.versions.list", lambda: client.prompts.versions.list(prompt))
    version = version_id(versions)
    ok("prompts.versions.retrieve", lambda: client.prompts.versions.retrieve(prompt, version))
    ok("prompts.versions.update", lambda: client.prompts.versions.update(
        prompt, version, label_id=label))
    rendered = ok("prompts.render", lambda: runner.prompts.render(
        prompt_id=prompt, variables={"who": "reader"}))
    if rendered is not None and "Hello reader" not in str(rendered):
        fail("prompts.render", f"not rendered: {rendered}")
    ok("prompts.completions.create", lambda: runner.prompts.completions.create(
        prompt_id=prompt, variables={"who": "reader"}))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        bug("P6", "generations.create", lambda: runner.generations.create(
            prompt_id=prompt, variables={"who": "reader"}))
    partials(client, runner, workspace)
    ok("prompts.delete", lambda: client.prompts.delete(prompt))
    ok("labels.delete", lambda: client.labels.delete(label))
    ok("collections.delete", lambda: client.collections.delete(collection))


def version_id(versions):
    """Returns the id of the first version of a list, which the SDK does not parse."""
    data = get(versions, "data") if not isinstance(versions, list) else versions
    item = (data or [{}])[0]
    return get(item, "prompt_version_id") or get(item, "id")


def partials(client, runner, workspace):
    parts = client.prompts.partials
    created = ok("partials.create", lambda: parts.create(
        name="signature", string="Yours", workspace_id=workspace))
    partial = get(created, "slug") or get(created, "id")
    ok("partials.list of all workspaces", lambda: parts.list())
    ok("partials.list", lambda: runner.prompts.partials.list())
    ok("partials.retrieve", lambda: parts.retrieve(partial), name="signature")
    ok("partials.update", lambda: parts.update(partial, string="Truly yours"))
    ok("partials.versions.list", lambda: parts.versions.list(partial))
    ok("partials.publish", lambda: parts.publish(partial, version=2))
    ok("partials.delete", lambda: parts.delete(partial))


def integrations(client, workspace):
    parts = client.integrations
    created = ok("integrations.create", lambda: parts.create(
        name="SDK", ai_provider_id="openai", key="sample", slug="sdk-openai"))
    slug = get(created, "slug") or "sdk-openai"
    ok("integrations.list", lambda: parts.list(type="all"))
    ok("integrations.retrieve", lambda: parts.retrieve(slug=slug), name="SDK")
    ok("integrations.update", lambda: parts.update(slug=slug, description="Changed"))
    ok("integrations.models.update", lambda: parts.models.update(
        slug=slug, allow_all_models=False,
        models=[{"slug": "ft:mine", "enabled": True, "is_custom": True, "base_model_slug": "gpt-4o"}]))
    ok("integrations.models.list", lambda: parts.models.list(slug=slug))
    ok("integrations.models.delete", lambda: parts.models.delete(slug=slug, slugs="ft:mine"))
    ok("integrations.workspaces.update", lambda: parts.workspaces.update(
        slug=slug, workspaces=[{"id": workspace, "enabled": True}]))
    ok("integrations.workspaces.list", lambda: parts.workspaces.list(slug=slug))
    providers(client, workspace, slug)
    ok("integrations.delete", lambda: parts.delete(slug=slug))


def providers(client, workspace, integration):
    created = ok("providers.create", lambda: client.providers.create(
        name="SDK provider", integration_id=integration, workspace_id=workspace))
    one = {"slug": get(created, "slug"), "workspace_id": workspace}
    ok("providers.list", lambda: client.providers.list(workspace_id=workspace))
    ok("providers.retrieve", lambda: client.providers.retrieve(**one), name="SDK provider")
    ok("providers.update", lambda: client.providers.update(**one, note="Changed"))
    ok("providers.delete", lambda: client.providers.delete(**one))

    keys = client.virtual_keys
    created = ok("virtual_keys.create", lambda: keys.create(
        name="SDK key", provider="openai", key="sample", workspace_id=workspace))
    slug = get(created, "slug")
    ok("virtual_keys.list", lambda: keys.list(workspace_id=workspace))
    ok("virtual_keys.retrieve", lambda: keys.retrieve(slug=slug), name="SDK key")
    ok("virtual_keys.update", lambda: keys.update(slug=slug, note="Changed"))
    ok("virtual_keys.delete", lambda: keys.delete(slug=slug))


def guardrails(client, workspace):
    rails = client.guardrails
    checks = [{"id": "default.contains", "parameters": {"words": ["secret"], "operator": "none"}}]
    actions = {"deny": False}
    created = ok("guardrails.create", lambda: rails.create(
        name="sdk", checks=checks, actions=actions, workspace_id=workspace))
    rail = get(created, "id")
    ok("guardrails.list", lambda: rails.list(workspace_id=workspace), total=1)
    ok("guardrails.retrieve", lambda: rails.retrieve(guardrail_id=rail), name="sdk")
    ok("guardrails.update", lambda: rails.update(guardrail_id=rail, name="sdk 2"))
    ok("guardrails.delete", lambda: rails.delete(guardrail_id=rail))
    ok("guardrails.list after that", lambda: rails.list(workspace_id=workspace), total=0)


def mcp(client, runner, workspace, user_id):
    parts = client.mcp_integrations
    created = ok("mcp_integrations.create", lambda: parts.create(
        name="SDK MCP", url="https://mcp.example.com", auth_type="none", transport="http"))
    one = {"mcp_integration_id": get(created, "id")}
    tool = {"name": "search", "type": "tool"}
    ok("mcp_integrations.list", lambda: parts.list())
    ok("mcp_integrations.retrieve", lambda: parts.retrieve(**one), name="SDK MCP")
    ok("mcp_integrations.update", lambda: parts.update(**one, description="Changed"))
    ok("mcp_integrations.sync", lambda: parts.sync(
        **one, server_info={"name": "sample", "version": "1"}, capabilities=[tool]))
    ok("mcp_integrations.test", lambda: parts.test(**one))
    ok("mcp_integrations.metadata.retrieve", lambda: parts.metadata.retrieve(**one))
    ok("mcp_integrations.capabilities.list", lambda: parts.capabilities.list(**one))
    ok("mcp_integrations.capabilities.update", lambda: parts.capabilities.update(
        **one, capabilities=[{**tool, "enabled": True}]))
    ok("mcp_integrations.workspaces.update", lambda: parts.workspaces.update(
        **one, workspaces=[{"id": workspace, "enabled": True}]))
    ok("mcp_integrations.workspaces.list", lambda: parts.workspaces.list(**one))
    mcp_servers(runner, one, tool, user_id)
    ok("mcp_integrations.delete", lambda: parts.delete(**one))


def workspace_named(client, name):
    return get(first(client.admin.workspaces.list(exact_name=name)), "id")


def mcp_servers(runner, integration, tool, user_id):
    servers = runner.mcp_servers
    created = ok("mcp_servers.create", lambda: servers.create(name="SDK server", **integration))
    one = {"mcp_server_id": get(created, "id")}
    ok("mcp_servers.list", lambda: servers.list())
    ok("mcp_servers.retrieve", lambda: servers.retrieve(**one), name="SDK server")
    ok("mcp_servers.update", lambda: servers.update(**one, description="Changed"))
    ok("mcp_servers.test", lambda: servers.test(**one))
    ok("mcp_servers.capabilities.sync", lambda: servers.capabilities.sync(
        **one, capabilities=[tool]))
    ok("mcp_servers.capabilities.list", lambda: servers.capabilities.list(**one))
    ok("mcp_servers.capabilities.update", lambda: servers.capabilities.update(
        **one, capabilities=[{**tool, "enabled": False}]))
    ok("mcp_servers.metadata.sync", lambda: servers.metadata.sync(**one, server_name="sample"))
    ok("mcp_servers.metadata.retrieve", lambda: servers.metadata.retrieve(**one))
    bug("P3", "mcp_servers.user_access.list", lambda: servers.user_access.list(**one))
    bug("P3", "mcp_servers.user_access.update of the default", lambda: servers.user_access.update(
        **one, default_user_access={"enabled": True}))
    ok("mcp_servers.user_access.update", lambda: servers.user_access.update(
        **one, user_access=[{"user_id": user_id, "enabled": True}]))
    ok("mcp_servers.user_access.check", lambda: servers.user_access.check(**one))
    ok("mcp_servers.update_tokens", lambda: servers.update_tokens(**one, access_token="sample"))
    ok("mcp_servers.get_tokens", lambda: servers.get_tokens(**one))
    ok("mcp_servers.delete_tokens", lambda: servers.delete_tokens(**one))
    ok("mcp_servers.get_client_info", lambda: servers.get_client_info(**one))
    ok("mcp_servers.delete", lambda: servers.delete(**one))


def logs(runner):
    entry = {
        "request": {"url": "https://api.example.com/v1/chat/completions", "method": "POST",
                    "provider": "openai", "headers": {}, "body": {"model": "gpt-4o"}},
        "response": {"status": 200, "headers": {}, "body": {"model": "gpt-4o"}, "response_time": 12},
        "metadata": {"traceId": "sdk-trace"},
    }
    ok("logs.create", lambda: runner.logs.create(**entry))
    receipt = ok("feedback.create", lambda: runner.feedback.create(trace_id="sdk-trace", value=1))
    ok("feedback.bulk_create", lambda: runner.feedback.bulk_create(
        feedbacks=[{"trace_id": "sdk-trace", "value": 0}]))
    ids = get(receipt, "feedback_ids") or [None]
    ok("feedback.update", lambda: runner.feedback.update(feedback_id=ids[0], value=2))


def exports(client, workspace):
    parts = client.logs.exports
    parameters = {"workspace_id": workspace, "requested_data": ["id", "trace_id", "cost"], "filters": {
        "time_of_generation_min": RANGE["time_of_generation_min"],
        "time_of_generation_max": RANGE["time_of_generation_max"]}}
    created = ok("exports.create", lambda: parts.create(**parameters, description="sdk"))
    export = get(created, "id")
    ok("exports.list", lambda: parts.list(workspace_id=workspace))
    ok("exports.retrieve", lambda: parts.retrieve(export_id=export), id=export)
    ok("exports.update", lambda: parts.update(export_id=export, **parameters))
    ok("exports.start", lambda: parts.start(export_id=export))
    ok("exports.retrieve until it is done", lambda: wait_until_done(parts, export), status="success")
    ready = ok("exports.download", lambda: parts.download(export_id=export))
    if ready is not None and not str(get(ready, "signed_url")).startswith("http"):
        fail("exports.download", f"no URL in the response: {ready}")
    other = get(ok("exports.create another", lambda: parts.create(**parameters)), "id")
    ok("exports.start another", lambda: parts.start(export_id=other))
    ok("exports.cancel", lambda: parts.cancel(export_id=other))


def wait_until_done(parts, export):
    """Returns the export when it is no longer running, which takes about a second."""
    for _ in range(100):
        response = parts.retrieve(export_id=export)
        if get(response, "status") != "in_progress":
            break
        time.sleep(0.2)
    return response


def analytics(client):
    graphs = client.analytics.graphs
    for name in sorted(vars(type(graphs))):
        if not name.startswith("_"):
            ok(f"analytics.graphs.{name}", lambda name=name: getattr(graphs, name)(**RANGE))
    ok("analytics.summary.cache", lambda: client.analytics.summary.cache(**RANGE))
    groups = client.analytics.groups
    ok("analytics.groups.users", lambda: groups.users(**RANGE))
    ok("analytics.groups.ai_models", lambda: groups.ai_models(**RANGE))
    ok("analytics.groups.workspaces", lambda: groups.workspaces(**RANGE))
    ok("analytics.groups.metadata", lambda: groups.metadata(metadata_key="team", **RANGE))
    for group in ["provider", "model"]:
        ok(f"analytics.groups.group_by {group}", lambda group=group: groups.group_by(
            group_by=group, **RANGE))


def environment(key):
    """Checks the settings that the SDK reads from the environment."""
    os.environ["PORTKEY_BASE_URL"] = BASE
    try:
        bug("P1", "PORTKEY_BASE_URL", lambda: assert_effect(Portkey(api_key=key).base_url.rstrip("/") == BASE))
    finally:
        del os.environ["PORTKEY_BASE_URL"]


def main():
    key = os.environ["INTEROP_KEY"]
    client = Portkey(api_key=key, base_url=BASE)
    # Some operations require a workspace key: that of Production.
    runner = Portkey(api_key=os.environ["INTEROP_WORKSPACE_KEY"], base_url=BASE)
    environment(key)
    user_id = users(client.admin)
    workspace = workspaces(client.admin, user_id)
    api_keys(client, workspace)
    configs(client, workspace)
    production = workspace_named(client, "Production")
    prompts(client, runner, production, labels(client, production))
    integrations(client, workspace)
    guardrails(client, workspace)
    mcp(client, runner, production, user_id)
    logs(runner)
    exports(client, production)
    analytics(client)
    ok("users.delete", lambda: client.admin.users.delete(user_id=user_id))
    ok("workspaces.delete", lambda: client.admin.workspaces.delete(
        workspace_id=workspace, name="From Python"))
    ok("workspaces.list after that", lambda: client.admin.workspaces.list(name="From Python"), total=0)
    if failures:
        sys.exit(f"{len(failures)} calls failed: {', '.join(failures)}")


main()
