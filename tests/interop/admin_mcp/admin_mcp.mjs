// Calls every tool of the third-party MCP server portkey-admin-mcp against the emulator.
//
// Started by `run`, which sets environment variables with the base URL and the keys of the emulator. The
// server runs twice, over stdio: with a key of the organisation, and with a key of a workspace.

import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { setTimeout as sleep } from 'node:timers/promises';

const SERVER = 'node_modules/portkey-admin-mcp/build/index.js';
const RANGE = {
  time_of_generation_min: '2020-01-01T00:00:00Z',
  time_of_generation_max: '2040-01-01T00:00:00Z',
};
/** It always asks the real service: its address cannot be set. */
const NOT_CALLED = ['get_model_pricing'];
const failures = [];
const called = new Set();

async function connect(key) {
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [SERVER],
    stderr: 'ignore',
    cwd: import.meta.dirname,
    env: {
      ...process.env,
      PORTKEY_API_KEY: key,
      PORTKEY_BASE_URL: process.env.INTEROP_BASE_URL,
      PORTKEY_ALLOW_PRIVATE_BASE_URL: 'true',
      PORTKEY_ALLOW_INSECURE_HTTP: 'true',
    },
  });
  const client = new Client({ name: 'interop', version: '1' });
  await client.connect(transport);
  return client;
}

async function listTools(client) {
  const names = [];
  let cursor;
  do {
    const page = await client.listTools({ cursor });
    names.push(...page.tools.map((tool) => tool.name));
    cursor = page.nextCursor;
  } while (cursor);
  return names;
}

function fail(name, why) {
  console.log('FAIL', name, why);
  failures.push(name);
}

/** Calls a tool that must succeed; returns the data of its result. */
async function ok(client, name, arguments_ = {}) {
  called.add(name);
  const result = await client.callTool({ name, arguments: arguments_ });
  if (result.isError) fail(name, JSON.stringify(result.content));
  else console.log('ok  ', name);
  return result.structuredContent?.data ?? {};
}

/** Sends a request for which there is no tool; its response does not matter. */
async function send(method, key, path, body) {
  const response = await fetch(`${process.env.INTEROP_BASE_URL}${path}`, {
    method,
    headers: { 'x-portkey-api-key': key, 'x-portkey-provider': 'openai', 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  await response.arrayBuffer();
  if (!response.ok) fail(path, `${response.status}`);
}

/** Calls a tool that fails because of a bug of the server; README.md lists it under this number. */
async function bug(number, client, name, arguments_ = {}) {
  called.add(name);
  const result = await client.callTool({ name, arguments: arguments_ });
  const text = JSON.stringify(result.content);
  if (!result.isError) fail(name, `bug ${number} of the server is fixed: update README.md and this file`);
  else if (/\b5\d\d\b/.test(text)) fail(name, `the emulator failed, instead of bug ${number}: ${text}`);
  else console.log('bug ', number, name);
}

async function users(admin, workspace) {
  const invite = await ok(admin, 'invite_user', {
    email: 'mcp@example.com', role: 'member', workspaces: [{ id: workspace, role: 'member' }],
  });
  const { invite_id } = invite;
  await ok(admin, 'list_user_invites', { email: 'mcp@example.com' });
  await ok(admin, 'get_user_invite', { invite_id });
  await ok(admin, 'resend_user_invite', { invite_id });
  await ok(admin, 'delete_user_invite', { invite_id });
  const { users } = await ok(admin, 'list_all_users');
  const userId = (email) => users.find((user) => user.email === email).id;
  const [user_id, owner_id] = [userId('member@example.com'), userId('owner@example.com')];
  await ok(admin, 'get_user', { user_id });
  await ok(admin, 'update_user', { user_id, role: 'admin' });
  await ok(admin, 'get_user_stats', RANGE);
  return { user_id, owner_id };
}

async function workspaces(admin, user_id) {
  await ok(admin, 'list_workspaces');
  const created = await ok(admin, 'create_workspace', { name: 'MCP', description: 'by a tool' });
  const workspace_id = created.workspace?.id;
  await ok(admin, 'get_workspace', { workspace_id });
  await ok(admin, 'update_workspace', { workspace_id, description: 'changed' });
  const member = { workspace_id, user_id };
  await ok(admin, 'add_workspace_member', { ...member, role: 'member' });
  await ok(admin, 'list_workspace_members', { workspace_id });
  await ok(admin, 'get_workspace_member', member);
  await ok(admin, 'update_workspace_member', { ...member, role: 'manager' });
  await ok(admin, 'remove_workspace_member', member);
  const mapping = await ok(admin, 'create_scim_workspace_mapping', {
    workspace_id, role: 'member', scim_group_name: 'engineers',
  });
  await ok(admin, 'list_scim_workspace_mappings');
  await ok(admin, 'list_scim_groups');
  await ok(admin, 'delete_scim_workspace_mapping', { mapping_id: mapping.id });
  return workspace_id;
}

async function integrations(admin, workspace) {
  const slug = 'mcp-openai';
  await ok(admin, 'create_integration', { name: 'MCP', ai_provider_id: 'openai', key: 'sample', slug });
  await ok(admin, 'list_integrations');
  await ok(admin, 'get_integration', { slug });
  await ok(admin, 'update_integration', { slug, description: 'changed' });
  const models = [{ slug: 'own', model_name: 'Own', enabled: true, is_custom: true, base_model_slug: 'gpt-4o' }];
  await ok(admin, 'update_integration_models', { slug, models });
  await ok(admin, 'list_integration_models', { slug });
  await ok(admin, 'delete_integration_model', { slug, model_slug: 'own' });
  await ok(admin, 'update_integration_workspaces', { slug, workspaces: [{ id: workspace, enabled: true }] });
  await ok(admin, 'list_integration_workspaces', { slug });
  const provider = await ok(admin, 'create_provider', {
    name: 'MCP', slug: 'mcp-provider', integration_id: slug, workspace_id: workspace,
  });
  const named = { slug: provider.slug ?? 'mcp-provider', workspace_id: workspace };
  await ok(admin, 'list_providers', { workspace_id: workspace });
  await ok(admin, 'get_provider', named);
  await ok(admin, 'update_provider', { ...named, name: 'Changed' });
  await ok(admin, 'delete_provider', named);
  return slug;
}

async function virtualKeys(own) {
  const created = await ok(own, 'create_virtual_key', { name: 'MCP key', provider: 'openai', key: 'sample' });
  await ok(own, 'list_virtual_keys');
  const { slug } = created;
  await ok(own, 'get_virtual_key', { slug });
  await ok(own, 'update_virtual_key', { slug, note: 'changed' });
  return slug;
}

async function configs(own, admin, virtual_key) {
  await bug('M1', own, 'create_config', {
    name: 'MCP', retry_attempts: 2, strategy_mode: 'fallback', targets: [{ virtual_key }],
  });
  await ok(admin, 'list_configs');
  const { configurations } = await ok(own, 'list_configs');
  const { slug } = configurations.find((config) => config.name === 'MCP');
  await ok(own, 'get_config', { slug });
  await bug('M1', own, 'update_config', { slug, name: 'Changed', retry_attempts: 3 });
  await ok(own, 'list_config_versions', { slug });
  await ok(own, 'delete_config', { slug });
}

async function apiKeys(admin, workspace) {
  const created = await ok(admin, 'create_api_key', {
    type: 'workspace', sub_type: 'service', name: 'MCP', workspace_id: workspace, scopes: ['logs.view'],
  });
  const { id } = created;
  await ok(admin, 'list_api_keys', { workspace_id: workspace });
  await ok(admin, 'get_api_key', { id });
  await ok(admin, 'update_api_key', { id, name: 'Changed' });
  await ok(admin, 'rotate_api_key', { id, key_transition_period_ms: 1_800_000 });
  await ok(admin, 'delete_api_key', { id });
}

async function prompts(own, admin, workspace, virtual_key) {
  await ok(admin, 'list_collections');
  const { id: collection_id } = await ok(admin, 'create_collection', { name: 'MCP', workspace_id: workspace });
  await ok(admin, 'get_collection', { collection_id });
  await ok(admin, 'update_collection', { collection_id, name: 'Changed' });
  const content = { string: 'Hello {{name}}', parameters: {}, model: 'gpt-4o', virtual_key };
  const { id: prompt_id } = await ok(own, 'create_prompt', { name: 'mcp-dev', collection_id, ...content });
  await ok(own, 'list_prompts', { collection_id });
  await ok(own, 'get_prompt', { prompt_id });
  await ok(own, 'update_prompt', { prompt_id, string: 'Hi {{name}}' });
  const { versions } = await ok(own, 'list_prompt_versions', { prompt_id });
  await ok(own, 'publish_prompt', { prompt_id, version: 2 });
  const version_id = versions[0].id;
  await ok(own, 'get_prompt_version', { prompt_id, version_id });
  const label = await ok(own, 'create_prompt_label', { name: 'mcp', workspace_id: workspace });
  const label_id = label.id;
  await ok(own, 'update_prompt_version', { prompt_id, version_id, label_id });
  await ok(own, 'list_prompt_labels', { workspace_id: workspace });
  await ok(own, 'get_prompt_label', { label_id, workspace_id: workspace });
  await ok(own, 'update_prompt_label', { label_id, name: 'changed' });
  await ok(own, 'delete_prompt_label', { label_id });
  const variables = { name: 'Ada' };
  const metadata = { client_id: 'c', app: 'mcp', env: 'dev' };
  await ok(own, 'render_prompt', { prompt_id, variables });
  await ok(own, 'run_prompt_completion', { prompt_id, variables, metadata });
  await ok(own, 'validate_completion_metadata', metadata);
  await ok(own, 'migrate_prompt', { name: 'migrated', app: 'mcp', env: 'dev', collection_id, ...content });
  await ok(own, 'promote_prompt', {
    source_prompt_id: prompt_id, target_collection_id: collection_id, target_env: 'prod',
  });
  await ok(own, 'delete_prompt', { prompt_id });
  await partials(own);
  await ok(admin, 'delete_collection', { collection_id });
}

async function partials(own) {
  const created = await ok(own, 'create_prompt_partial', { name: 'mcp', string: 'a' });
  const prompt_partial_id = created.slug ?? created.id;
  await ok(own, 'list_prompt_partials');
  await ok(own, 'get_prompt_partial', { prompt_partial_id });
  await ok(own, 'update_prompt_partial', { prompt_partial_id, string: 'b' });
  await ok(own, 'list_partial_versions', { prompt_partial_id });
  await ok(own, 'publish_partial', { prompt_partial_id, version: 2 });
  await ok(own, 'delete_prompt_partial', { prompt_partial_id });
}

async function mcp(own, admin, workspace, user_id, owner_id) {
  const created = await ok(admin, 'create_mcp_integration', {
    name: 'Tools', url: 'https://mcp.example.com/mcp', auth_type: 'none', transport: 'http',
  });
  const { id } = created;
  await ok(admin, 'list_mcp_integrations');
  await ok(admin, 'get_mcp_integration', { id });
  await ok(admin, 'update_mcp_integration', { id, description: 'changed' });
  await ok(admin, 'get_mcp_integration_metadata', { id });
  const capabilities = [{ name: 'search', type: 'tool', enabled: true }];
  await send('POST', process.env.INTEROP_KEY, `/mcp-integrations/${id}/sync`, { capabilities });
  await ok(admin, 'list_mcp_integration_capabilities', { id });
  await ok(admin, 'update_mcp_integration_capabilities', { id, capabilities });
  await ok(admin, 'update_mcp_integration_workspaces', { id, workspaces: [{ id: workspace, enabled: true }] });
  await ok(admin, 'list_mcp_integration_workspaces', { id });
  const server = await ok(own, 'create_mcp_server', { name: 'Tools', mcp_integration_id: id });
  await mcpServer(own, server.id, user_id, owner_id);
  await ok(own, 'delete_mcp_server', { id: server.id });
  await ok(admin, 'delete_mcp_integration', { id });
}

async function mcpServer(own, id, user_id, owner_id) {
  await ok(own, 'list_mcp_servers');
  await ok(own, 'get_mcp_server', { id });
  await ok(own, 'update_mcp_server', { id, description: 'changed' });
  await ok(own, 'test_mcp_server', { id });
  await ok(own, 'list_mcp_server_capabilities', { id });
  await ok(own, 'update_mcp_server_capabilities', {
    id, capabilities: [{ name: 'search', type: 'tool', enabled: false }],
  });
  await ok(own, 'update_mcp_server_user_access', { id, users: [{ user_id, enabled: false }] });
  await ok(own, 'list_mcp_server_user_access', { id });
  await send('PUT', process.env.INTEROP_WORKSPACE_KEY, `/mcp-servers/${id}/tokens`, { access_token: 'sample' });
  await ok(own, 'list_mcp_server_connections', { id });
  await ok(own, 'disconnect_mcp_server_connection', { id, user_id: owner_id });
  const { id: guardrail_id } = await ok(own, 'create_guardrail', {
    name: 'Tools', target: 'mcp_tools', checks: [{ id: 'default.wordCount', parameters: { maxWords: 5 } }],
    actions: { deny: true },
  });
  await ok(own, 'upsert_guardrail_mcp_server', { guardrail_id, mcp_server_id: id });
  await ok(own, 'list_guardrail_mcp_servers', { guardrail_id });
  await ok(own, 'replace_guardrail_mcp_servers', { guardrail_id, mcp_servers: {} });
  await ok(own, 'delete_guardrail', { guardrail_id });
}

async function guardrails(admin, organisation_id, workspace) {
  const { id: guardrail_id } = await ok(admin, 'create_guardrail', {
    name: 'Words', organisation_id, checks: [{ id: 'default.wordCount', parameters: { maxWords: 5 } }],
    actions: { deny: true },
  });
  await ok(admin, 'list_guardrails', { workspace_id: workspace, organisation_id });
  await ok(admin, 'get_guardrail', { guardrail_id });
  await ok(admin, 'update_guardrail', { guardrail_id, name: 'Changed' });
  await ok(admin, 'update_organisation_defaults', { input_guardrails: [guardrail_id] });
  await ok(admin, 'get_organisation_defaults');
  for (const direction of ['input', 'output']) {
    await ok(admin, `update_${direction}_guardrail_workspace_exclusions`, {
      organisation_id, workspaces: [{ workspace_id: workspace, excluded: true }],
    });
    await ok(admin, `list_${direction}_guardrail_workspace_exclusions`, { organisation_id });
  }
  await ok(admin, 'delete_guardrail', { guardrail_id });
}

async function policies(own, admin, workspace) {
  const policy = {
    workspace_id: workspace, conditions: [{ key: 'model', value: 'gpt-4o' }], group_by: [{ key: 'api_key' }],
  };
  const rate = await ok(admin, 'create_rate_limit', { ...policy, type: 'requests', unit: 'rpm', value: 10 });
  await ok(admin, 'list_rate_limits', { workspace_id: workspace });
  await ok(admin, 'get_rate_limit', { id: rate.id });
  await ok(admin, 'update_rate_limit', { id: rate.id, value: 20 });
  await ok(admin, 'delete_rate_limit', { id: rate.id });
  const usage = await ok(admin, 'create_usage_limit', { ...policy, type: 'tokens', credit_limit: 1000 });
  await ok(admin, 'list_usage_limits', { workspace_id: workspace });
  await ok(admin, 'get_usage_limit', { id: usage.id });
  await ok(admin, 'update_usage_limit', { id: usage.id, credit_limit: 2000 });
  await insertLog(own);
  const { entities } = await ok(admin, 'list_usage_limit_entities', { limit_id: usage.id });
  await ok(admin, 'reset_usage_limit_entity', { limit_id: usage.id, entity_id: entities?.[0]?.id ?? 'none' });
  await ok(admin, 'delete_usage_limit', { id: usage.id });
}

async function insertLog(own) {
  await ok(own, 'insert_log', {
    request_url: 'https://api.provider.example/v1/chat/completions', request_provider: 'openai',
    request_body: { model: 'gpt-4o' }, response_body: { usage: { total_tokens: 5 } }, metadata_trace_id: 'mcp-trace',
  });
}

async function logs(own, admin, workspace) {
  const feedback = await ok(own, 'create_feedback', { trace_id: 'mcp-trace', value: 1 });
  const id = feedback.feedback_ids?.[0] ?? 'none';
  await ok(own, 'update_feedback', { id, value: 2 });
  const log_id = await exportedLogId(admin, workspace);
  await ok(own, 'get_log', { log_id });
  await ok(admin, 'get_log_export_field_restrictions', { workspace_id: workspace });
  await bug('M3', admin, 'list_audit_logs', { start_time: RANGE.time_of_generation_min, end_time: RANGE.time_of_generation_max });
}

/** Exports the logs of a workspace; returns the id of one of them. */
async function exportedLogId(admin, workspace) {
  const created = await ok(admin, 'create_log_export', {
    workspace_id: workspace, time_min: RANGE.time_of_generation_min, time_max: RANGE.time_of_generation_max,
    requested_fields: ['id', 'trace_id'],
  });
  const export_id = created.id;
  await ok(admin, 'list_log_exports', { workspace_id: workspace });
  await ok(admin, 'get_log_export', { export_id });
  await ok(admin, 'update_log_export', { export_id, workspace_id: workspace, requested_fields: ['id'] });
  await ok(admin, 'start_log_export', { export_id });
  await sleep(2500);
  const { signed_url } = await ok(admin, 'download_log_export', { export_id });
  const lines = await (await fetch(signed_url)).text();
  const other = await ok(admin, 'create_log_export', {
    workspace_id: workspace, time_min: RANGE.time_of_generation_min, time_max: RANGE.time_of_generation_max,
    requested_fields: ['id'],
  });
  await ok(admin, 'start_log_export', { export_id: other.id });
  await ok(admin, 'cancel_log_export', { export_id: other.id });
  return JSON.parse(lines.split('\n')[0]).id;
}

async function secretReferences(admin) {
  const created = await ok(admin, 'create_secret_reference', {
    name: 'MCP', manager_type: 'aws_sm', secret_path: 'a/b',
    auth_config: { aws_auth_type: 'assumedRole', aws_role_arn: 'arn:aws:iam::000000000000:role/r', aws_region: 'eu-west-1' },
  });
  const { id } = created;
  await ok(admin, 'list_secret_references');
  await ok(admin, 'get_secret_reference', { id });
  await ok(admin, 'update_secret_reference', { id, description: 'changed' });
  await ok(admin, 'delete_secret_reference', { id });
}

async function deployments(admin) {
  const created = await ok(admin, 'register_deployment', { name: 'MCP', type: 'non_production' });
  const { id } = created;
  await ok(admin, 'list_deployments');
  await ok(admin, 'get_deployment', { id });
  await ok(admin, 'update_deployment', { id, name: 'Changed' });
  await ok(admin, 'archive_deployment', { id });
}

async function analytics(admin, tools, workspace_slug) {
  const isAnalytics = (name) => name.startsWith('get_analytics_group') || name.endsWith('_analytics') || name.startsWith('get_cache_');
  for (const name of tools.filter(isAnalytics)) {
    const more = name === 'get_analytics_group_metadata' ? { metadata_key: 'team' } : {};
    await ok(admin, name, { ...RANGE, workspace_slug, ...more });
  }
}

async function main() {
  const admin = await connect(process.env.INTEROP_KEY);
  const own = await connect(process.env.INTEROP_WORKSPACE_KEY);
  const tools = await listTools(admin);
  const { workspaces: all } = await ok(admin, 'list_workspaces');
  const { id: workspace, slug } = all.find((item) => item.name === 'Production');
  const { organisation_id } = (await ok(admin, 'list_integrations')).integrations?.[0] ?? {};
  const { user_id, owner_id } = await users(admin, workspace);
  const created = await workspaces(admin, user_id);
  await integrations(admin, workspace);
  const virtual_key = await virtualKeys(own);
  await configs(own, admin, virtual_key);
  await apiKeys(admin, workspace);
  await prompts(own, admin, workspace, virtual_key);
  await mcp(own, admin, workspace, user_id, owner_id);
  await guardrails(admin, organisation_id, workspace);
  await policies(own, admin, workspace);
  await logs(own, admin, workspace);
  await secretReferences(admin);
  await deployments(admin);
  await analytics(admin, tools, slug);
  await ok(own, 'delete_virtual_key', { slug: virtual_key });
  await ok(admin, 'delete_integration', { slug: 'mcp-openai' });
  await ok(admin, 'delete_user', { user_id });
  await bug('M2', admin, 'delete_workspace', { workspace_id: created });
  for (const name of NOT_CALLED) called.add(name);
  for (const name of tools.filter((tool) => !called.has(tool))) fail(name, 'was not called');
  console.log(`${tools.length} tools`);
  await Promise.all([admin.close(), own.close()]);
}

await main();
if (failures.length > 0) {
  console.log(`${failures.length} failed: ${failures.join(', ')}`);
  process.exit(1);
}
