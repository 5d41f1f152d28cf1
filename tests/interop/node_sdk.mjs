// Calls every admin method of the official Node SDK against the emulator: create, use, then delete.
//
// Started by `run`, which sets environment variables with the base URL and the keys of the emulator.

import { setTimeout as sleep } from 'node:timers/promises';

import { Portkey } from 'portkey-ai';

const BASE = process.env.INTEROP_BASE_URL;
const RANGE = {
  time_of_generation_min: '2020-01-01T00:00:00Z',
  time_of_generation_max: '2040-01-01T00:00:00Z',
};
const failures = [];

/** Makes a call that must succeed, with the expected fields in the response; returns the response. */
async function ok(name, call, expected = {}) {
  let response;
  try {
    response = await call();
  } catch (error) {
    fail(name, `${error}`);
    return {};
  }
  for (const [field, value] of Object.entries(expected)) {
    const actual = response?.[field];
    if (actual !== value) fail(name, `expected ${JSON.stringify(value)} for \`${field}\`, found ${JSON.stringify(actual)}`);
  }
  console.log('ok  ', name);
  return response ?? {};
}

/** Makes a call that fails because of a bug of the SDK; README.md lists it under this number. */
async function bug(number, name, call) {
  try {
    await call();
  } catch (error) {
    if (error.status >= 500) return fail(name, `the emulator failed, instead of bug ${number}: ${error}`);
    console.log('bug ', number, name, `(${error.status ?? error.name})`);
    return;
  }
  fail(name, `bug ${number} of the SDK is fixed: update README.md and this file`);
}

/** For `bug`: fails if the call succeeded but had the wrong effect. */
function assertEffect(condition) {
  if (!condition) throw new Error('the call had the wrong effect');
}

function fail(name, why) {
  console.log('FAIL', name, why);
  failures.push(name);
}

async function users(admin) {
  const { invites } = admin.users;
  await ok('users.list', () => admin.users.list({ pageSize: 10, currentPage: 0 }), { total: 3 });
  const invite = await ok('invites.create', () =>
    invites.create({ email: 'sdk@example.com', role: 'member' }));
  const inviteId = invite.id;
  await ok('invites.list', () => invites.list({ email: 'sdk@example.com', status: 'pending' }), { total: 1 });
  await ok('invites.retrieve', () => invites.retrieve({ inviteId }), { email: 'sdk@example.com' });
  await ok('invites.resend', () => invites.resend({ inviteId }));
  await ok('invites.delete', () => invites.delete({ inviteId }));

  const found = await ok('users.list by email', () => admin.users.list({ email: 'member@example.com' }), { total: 1 });
  const userId = found.data?.[0]?.id;
  await ok('users.retrieve', () => admin.users.retrieve({ userId }), { email: 'member@example.com' });
  await ok('users.update', () => admin.users.update({ userId, role: 'admin' }));
  await ok('users.retrieve again', () => admin.users.retrieve({ userId }), { role: 'admin' });
  await bug('N4', 'users.update changes its argument', async () => {
    const parameters = { userId, role: 'member' };
    await admin.users.update(parameters);
    assertEffect(parameters.userId === userId);
  });
  return userId;
}

async function workspaces(admin, userId) {
  const spaces = admin.workspaces;
  const created = await ok('workspaces.create', () =>
    spaces.create({ name: 'From Node', description: "An SDK's" }));
  const workspaceId = created.id;
  await ok('workspaces.list', () => spaces.list({ page_size: 10, name: 'From Node' }), { total: 1 });
  await ok('workspaces.retrieve', () => spaces.retrieve({ workspaceId }), { name: 'From Node' });
  await ok('workspaces.update', () => spaces.update({ workspaceId, description: 'Changed' }));

  const one = { workspaceId, userId };
  await ok('workspaces.users.create', () =>
    spaces.users.create({ workspaceId, users: [{ id: userId, role: 'member' }] }));
  await ok('workspaces.users.list', () => spaces.users.list({ workspaceId }));
  await ok('workspaces.users.retrieve', () => spaces.users.retrieve({ ...one }), { role: 'member' });
  await ok('workspaces.users.update', () => spaces.users.update({ ...one, role: 'manager' }));
  await ok('workspaces.users.delete', () => spaces.users.delete({ ...one }));
  return workspaceId;
}

async function apiKeys({ apiKeys: keys }, workspace_id) {
  const created = await ok('apiKeys.create', () =>
    keys.create({
      type: 'workspace', 'sub-type': 'service', name: 'sdk', workspace_id,
      scopes: ['configs.list', 'completions.write'],
    }));
  const id = created.id;
  await ok('apiKeys.list', () => keys.list({ page_size: 10, workspace_id }), { total: 1 });
  await ok('apiKeys.retrieve', () => keys.retrieve({ id }), { name: 'sdk' });
  await ok('apiKeys.update', () => keys.update({ id, name: 'sdk 2', scopes: ['configs.list'] }));
  await ok('apiKeys.retrieve again', () => keys.retrieve({ id }), { name: 'sdk 2' });
  await ok('apiKeys.delete', () => keys.delete({ id }));
}

async function configs({ configs: parts }, workspace_id) {
  const config = { retry: { attempts: 3 } };
  const created = await ok('configs.create', () => parts.create({ name: 'sdk', config, workspace_id }));
  const slug = created.slug;
  await ok('configs.list', () => parts.list({ workspace_id }), { total: 1 });
  await ok('configs.retrieve', () => parts.retrieve({ slug }), { name: 'sdk' });
  await ok('configs.update', () => parts.update({ slug, name: 'sdk 2', config }));
  await ok('configs.delete', () => parts.delete({ slug }));
}

async function labels({ labels: parts }, workspace_id) {
  const created = await ok('labels.create', () =>
    parts.create({ name: 'sdk', workspace_id, color_code: '#00ff00' }));
  await ok('labels.list', () => parts.list({ workspace_id }));
  await ok('labels.retrieve', () => parts.retrieve(created.id), { name: 'sdk' });
  await ok('labels.update', () => parts.update(created.id, { description: 'Changed' }));
  return created.id;
}

async function prompts(client, runner, workspace_id, label_id) {
  const parts = client.prompts;
  const { collections } = client;
  const collection = await ok('collections.create', () => collections.create({ name: 'sdk', workspace_id }));
  await ok('collections.list', () => collections.list({ workspace_id }));
  await ok('collections.retrieve', () => collections.retrieve(collection.id), { name: 'sdk' });
  await ok('collections.update', () => collections.update(collection.id, { name: 'sdk 2' }));

  const content = { string: 'Hello {{who}}', model: 'gpt-4o', virtual_key: 'openai-main', parameters: { max_tokens: 10 } };
  const created = await ok('prompts.create', () =>
    parts.create({ name: 'greeting', collection_id: collection.id, ...content }));
  const prompt = created.slug ?? created.id;
  await ok('prompts.list', () => parts.list({ collection_id: collection.id }));
  await ok('prompts.retrieve', () => parts.retrieve(prompt), { name: 'greeting' });
  await ok('prompts.update', () => parts.update(prompt, { name: 'greeting 2' }));
  await bug('N3', 'prompts.update of the content', () =>
    parts.update(prompt, { ...content, string: 'Good day {{who}}' }));
  await ok('prompts.publish', () => parts.publish(prompt, { version: 1 }));
  const versions = await ok('prompts.versions.list', () => parts.versions.list(prompt));
  const version = versions.data?.[0]?.prompt_version_id ?? versions.data?.[0]?.id;
  await ok('prompts.versions.retrieve', () => parts.versions.retrieve(prompt, version));
  await ok('prompts.versions.update', () => parts.versions.update(prompt, version, { label_id }));
  const rendered = await ok('prompts.render', () =>
    runner.prompts.render({ promptID: prompt, variables: { who: 'reader' } }));
  if (!JSON.stringify(rendered).includes('Hello reader')) fail('prompts.render', JSON.stringify(rendered));
  await ok('prompts.completions.create', () =>
    runner.prompts.completions.create({ promptID: prompt, variables: { who: 'reader' } }));
  await partials(client, runner, workspace_id);
  await ok('prompts.delete', () => parts.delete(prompt));
  await ok('labels.delete', () => client.labels.delete(label_id));
  await ok('collections.delete', () => collections.delete(collection.id));
}

async function partials(client, runner, workspace_id) {
  const parts = client.prompts.partials;
  const created = await ok('partials.create', () =>
    parts.create({ name: 'signature', string: 'Yours', workspace_id }));
  const partial = created.slug ?? created.id;
  await ok('partials.list of all workspaces', () => parts.list());
  await ok('partials.list', () => runner.prompts.partials.list());
  await ok('partials.retrieve', () => parts.retrieve(partial), { name: 'signature' });
  await ok('partials.update', () => parts.update(partial, { string: 'Truly yours' }));
  await ok('partials.versions.list', () => parts.versions.list(partial));
  await ok('partials.publish', () => parts.publish(partial, { version: 2 }));
  await ok('partials.delete', () => parts.delete(partial));
}

async function integrations(client, workspace_id) {
  const parts = client.integrations;
  const slug = 'sdk-openai';
  await ok('integrations.create', () =>
    parts.create({ name: 'SDK', ai_provider_id: 'openai', key: 'sample', slug }));
  await ok('integrations.list', () => parts.list({ type: 'all' }));
  await ok('integrations.retrieve', () => parts.retrieve({ slug }), { name: 'SDK' });
  await ok('integrations.update', () => parts.update({ slug, description: 'Changed' }));
  const model = { slug: 'ft:mine', enabled: true, is_custom: true, base_model_slug: 'gpt-4o' };
  await ok('integrations.models.update', () =>
    parts.models.update({ slug, allow_all_models: false, models: [model] }));
  await ok('integrations.models.list', () => parts.models.list({ slug }));
  await ok('integrations.models.delete', () => parts.models.delete({ slug, slugs: 'ft:mine' }));
  await ok('integrations.workspaces.update', () =>
    parts.workspaces.update({ slug, workspaces: [{ id: workspace_id, enabled: true }] }));
  await ok('integrations.workspaces.list', () => parts.workspaces.list({ slug }));
  await providers(client, workspace_id, slug);
  await ok('integrations.delete', () => parts.delete({ slug }));
}

async function providers(client, workspace_id, integration_id) {
  const parts = client.providers;
  const created = await ok('providers.create', () =>
    parts.create({ name: 'SDK provider', integration_id, workspace_id }));
  const one = { slug: created.slug, workspace_id };
  await ok('providers.list', () => parts.list({ workspace_id }));
  await ok('providers.retrieve', () => parts.retrieve(one), { name: 'SDK provider' });
  await ok('providers.update', () => parts.update({ ...one, note: 'Changed' }));
  await ok('providers.delete', () => parts.delete(one));

  const keys = client.virtualKeys;
  const key = await ok('virtualKeys.create', () =>
    keys.create({ name: 'SDK key', provider: 'openai', key: 'sample', workspace_id }));
  const { slug } = key;
  await ok('virtualKeys.list', () => keys.list({ workspace_id }));
  await ok('virtualKeys.retrieve', () => keys.retrieve({ slug }), { name: 'SDK key' });
  await ok('virtualKeys.update', () => keys.update({ slug, note: 'Changed' }));
  await ok('virtualKeys.delete', () => keys.delete({ slug }));
}

async function guardrails({ guardrails: rails }, workspace_id) {
  const checks = [{ id: 'default.contains', parameters: { words: ['secret'], operator: 'none' } }];
  const created = await ok('guardrails.create', () =>
    rails.create({ name: 'sdk', checks, actions: { deny: false }, workspace_id }));
  const one = { guardrail_id: created.id };
  await ok('guardrails.list', () => rails.list({ workspace_id }), { total: 1 });
  await ok('guardrails.retrieve', () => rails.retrieve({ ...one }), { name: 'sdk' });
  await ok('guardrails.update', () => rails.update({ ...one, name: 'sdk 2' }));
  await ok('guardrails.delete', () => rails.delete({ ...one }));
}

async function mcp(client, runner, workspaceId) {
  const parts = client.mcpIntegrations;
  const created = await ok('mcpIntegrations.create', () =>
    parts.create({ name: 'SDK MCP', url: 'https://mcp.example.com', auth_type: 'none', transport: 'http' }));
  const one = { id: created.id };
  const tool = { name: 'search', type: 'tool' };
  await ok('mcpIntegrations.list', () => parts.list());
  await ok('mcpIntegrations.retrieve', () => parts.retrieve(one), { name: 'SDK MCP' });
  await ok('mcpIntegrations.update', () => parts.update({ ...one, description: 'Changed' }));
  await ok('mcpIntegrations.sync', () =>
    parts.sync({ ...one, server_info: { name: 'sample', version: '1' }, capabilities: [tool] }));
  await ok('mcpIntegrations.test', () => parts.test(one));
  await ok('mcpIntegrations.metadata.get', () => parts.metadata.get(one));
  await ok('mcpIntegrations.capabilities.list', () => parts.capabilities.list(one));
  await ok('mcpIntegrations.capabilities.update', () =>
    parts.capabilities.update({ ...one, capabilities: [{ ...tool, enabled: true }] }));
  await ok('mcpIntegrations.workspaces.update', () =>
    parts.workspaces.update({ ...one, workspaces: [{ id: workspaceId, enabled: true }] }));
  await ok('mcpIntegrations.workspaces.list', () => parts.workspaces.list(one));
  await mcpServers(runner.mcpServers, one.id, tool);
  await ok('mcpIntegrations.delete', () => parts.delete(one));
}

async function workspaceNamed(client, exact_name) {
  const found = await client.admin.workspaces.list({ exact_name });
  return found.data[0].id;
}

async function mcpServers(servers, mcp_integration_id, tool) {
  const created = await ok('mcpServers.create', () => servers.create({ name: 'SDK server', mcp_integration_id }));
  const one = { id: created.id };
  await ok('mcpServers.list', () => servers.list());
  await ok('mcpServers.retrieve', () => servers.retrieve(one), { name: 'SDK server' });
  await ok('mcpServers.update', () => servers.update({ ...one, description: 'Changed' }));
  await ok('mcpServers.test', () => servers.test(one));
  await ok('mcpServers.capabilities.sync', () => servers.capabilities.sync({ ...one, capabilities: [tool] }));
  await ok('mcpServers.capabilities.list', () => servers.capabilities.list(one));
  await ok('mcpServers.capabilities.update', () =>
    servers.capabilities.update({ ...one, capabilities: [{ ...tool, enabled: false }] }));
  await ok('mcpServers.metadata.sync', () => servers.metadata.sync({ ...one, server_name: 'sample' }));
  await ok('mcpServers.metadata.get', () => servers.metadata.get(one));
  await ok('mcpServers.userAccess.list', () => servers.userAccess.list(one));
  await ok('mcpServers.userAccess.update', () => servers.userAccess.update({ ...one, default_user_access: 'allow' }));
  await ok('mcpServers.userAccess.check', () => servers.userAccess.check(one));
  await ok('mcpServers.setTokens', () => servers.setTokens({ ...one, access_token: 'sample' }));
  await ok('mcpServers.getTokens', () => servers.getTokens(one));
  await ok('mcpServers.deleteTokens', () => servers.deleteTokens(one));
  await ok('mcpServers.getClientInfo', () => servers.getClientInfo(one));
  await servers.setTokens({ ...one, access_token: 'sample' });
  const connected = await ok('mcpServers.connections.list', () => servers.connections.list(one), { total: 1 });
  await ok('mcpServers.connections.delete', () => servers.connections.delete({ ...one, user_id: connected.data?.[0]?.user_id }));
  await ok('mcpServers.delete', () => servers.delete(one));
}

async function logs(runner) {
  await ok('logs.create', () =>
    runner.logs.create({
      request: {
        url: 'https://api.example.com/v1/chat/completions', method: 'POST', provider: 'openai',
        headers: {}, body: { model: 'gpt-4o' },
      },
      response: { status: 200, headers: {}, body: { model: 'gpt-4o' }, response_time: 12 },
      metadata: { traceId: 'sdk-trace' },
    }));
  const receipt = await ok('feedback.create', () => runner.feedback.create({ traceID: 'sdk-trace', value: 1 }));
  await ok('feedback.update', () => runner.feedback.update({ feedbackID: receipt.feedback_ids?.[0], value: 2 }));
  await bug('N2', 'feedback.create with several', () =>
    runner.feedback.create([{ traceID: 'sdk-trace', value: 0 }]));
}

async function exports_(client, workspaceId) {
  const parts = client.logs.exports;
  const parameters = { workspaceId, filters: { ...RANGE }, requestedData: ['id', 'trace_id', 'cost'] };
  const created = await ok('exports.create', () => parts.create({ ...parameters, description: 'sdk' }));
  const exportId = created.id;
  await ok('exports.list', () => parts.list({ workspaceId }));
  await ok('exports.retrieve', () => parts.retrieve({ exportId }), { id: exportId });
  await ok('exports.update', () => parts.update({ exportId, ...parameters }));
  await ok('exports.start', () => parts.start({ exportId }));
  await ok('exports.retrieve until it is done', () => waitUntilDone(parts, exportId), { status: 'success' });
  const ready = await ok('exports.download', () => parts.download({ exportId }));
  if (!`${ready.signed_url}`.startsWith('http')) fail('exports.download', JSON.stringify(ready));
  const other = await ok('exports.create another', () => parts.create(parameters));
  await ok('exports.start another', () => parts.start({ exportId: other.id }));
  await ok('exports.cancel', () => parts.cancel({ exportId: other.id }));
}

/** Returns the export when it is no longer running, which takes about a second. */
async function waitUntilDone(parts, exportId) {
  for (let attempt = 0; ; attempt += 1) {
    const response = await parts.retrieve({ exportId });
    if (response.status !== 'in_progress' || attempt === 100) return response;
    await sleep(200);
  }
}

/** Methods that send requests to paths that do not exist (N1). */
const WRONG_PATHS = [
  'usersRequests', 'errors_rate', 'errors_stack', 'errors_status_code', 'requests_rescued',
  'cache_hit_rate', 'cache_latency', 'feedbacks_score',
];

async function analytics({ analytics: parts }) {
  const methods = Object.getOwnPropertyNames(Object.getPrototypeOf(parts.graphs));
  for (const name of methods.filter((name) => name !== 'constructor').sort()) {
    const call = () => parts.graphs[name](RANGE);
    await (WRONG_PATHS.includes(name) ? bug('N1', `analytics.graphs.${name}`, call) : ok(`analytics.graphs.${name}`, call));
  }
  await ok('analytics.summary.cache', () => parts.summary.cache(RANGE));
  await ok('analytics.groups.users', () => parts.groups.users(RANGE));
  await ok('analytics.groups.aiModels', () => parts.groups.aiModels(RANGE));
  await ok('analytics.groups.workspaces', () => parts.groups.workspaces(RANGE));
  await ok('analytics.groups.metadata', () => parts.groups.metadata('team', RANGE));
  for (const group of ['provider', 'model']) {
    await ok(`analytics.groups.groupedData ${group}`, () => parts.groups.groupedData(group, RANGE));
  }
}

async function main() {
  const client = new Portkey({ apiKey: process.env.INTEROP_KEY, baseURL: BASE });
  // Some operations require a workspace key: that of Production.
  const runner = new Portkey({ apiKey: process.env.INTEROP_WORKSPACE_KEY, baseURL: BASE });
  const userId = await users(client.admin);
  const workspaceId = await workspaces(client.admin, userId);
  await apiKeys(client, workspaceId);
  await configs(client, workspaceId);
  const production = await workspaceNamed(client, 'Production');
  await prompts(client, runner, production, await labels(client, production));
  await integrations(client, workspaceId);
  await guardrails(client, workspaceId);
  await mcp(client, runner, production);
  await logs(runner);
  await exports_(client, production);
  await analytics(client);
  await ok('users.delete', () => client.admin.users.delete({ userId }));
  await ok('workspaces.delete', () => client.admin.workspaces.delete({ workspaceId, name: 'From Node' }));
  if (failures.length > 0) {
    console.error(`${failures.length} calls failed: ${failures.join(', ')}`);
    process.exitCode = 1;
  }
}

await main();
