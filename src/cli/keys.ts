import { type Command, InvalidArgumentError } from 'commander'
import { createApiKey, listApiKeyInfos, revokeApiKey } from '../core/api-keys.ts'
import { PERMISSIONS, type Permission } from '../core/callers.ts'
import { apiKeyByName } from '../metadata/api-keys.ts'
import { DEFAULT_WORKSPACE_ID } from '../metadata/schema.ts'
import { type CommonOptions, perform, withJson } from './context.ts'
import { clock, withDatabase } from './data.ts'
import { examples } from './examples.ts'

type CreateOptions = CommonOptions & {
  name: string
  permissions: Permission[]
  workspace?: string
  expires?: string
}

export function addKeys(program: Command): void {
  const keys = program.command('keys').description('API keys: make, list, revoke')

  withJson(keys.command('create'))
    .description('make an API key; its secret is shown this once')
    .requiredOption('--name <name>', 'whom it is for', keyName)
    .option('--permissions <list>', `of ${PERMISSIONS.join(', ')}`, permissionList, [...PERMISSIONS])
    .option(
      '--workspace <id>',
      'a workspace to join, or default; else the key gets one of its own',
      workspaceId,
    )
    .option('--expires <time>', 'ISO 8601, like 2027-01-01T00:00:00Z', time)
    .addHelpText(
      'after',
      examples(
        'keys create --name "Our file manager"',
        'keys create --name Reader --permissions documents:read --workspace default --json',
      ),
    )
    .action(create)

  withJson(keys.command('list'))
    .description('all API keys, newest first, revoked ones among them')
    .addHelpText('after', examples('keys list'))
    .action((options: CommonOptions) =>
      perform(options, (context) =>
        withDatabase(context, async (database) => {
          const infos = await listApiKeyInfos({ database })
          const lines = infos.map(({ id, name, apiKey, revokedAt, expiresAt, lastUsedAt }) =>
            [
              id,
              apiKey,
              revokedAt === null ? (expiresAt === null ? 'valid' : `until ${expiresAt}`) : 'revoked',
              `used ${lastUsedAt ?? 'never'}`,
              name,
            ].join('  '),
          )
          context.print(lines.length === 0 ? 'There are no API keys' : lines, { keys: infos })
          return true
        }),
      ),
    )

  withJson(keys.command('revoke'))
    .description('end an API key; its tokens end within 10 seconds')
    .argument('<key>', 'its id, or the key itself (nuto_ak_…)')
    .addHelpText('after', examples('keys revoke nuto_ak_u2y3kd0C5tUa0Lr7m1dJb9Qx'))
    .action((key: string, options: CommonOptions) =>
      perform(options, (context) =>
        withDatabase(context, async (database) => {
          const id = (await apiKeyByName(database, key))?.id ?? key
          const revoked = await revokeApiKey({ database, clock }, id)
          context.print(`Revoked ${revoked.apiKey} (${revoked.name})`, revoked)
          return true
        }),
      ),
    )
}

function create({ name, permissions, workspace, expires, ...options }: CreateOptions): Promise<void> {
  return perform(options, (context) =>
    withDatabase(
      context,
      async (database) => {
        const wanted = { name, permissions, workspaceId: workspace, expiresAt: expires }
        const made = await createApiKey({ database, clock }, wanted)
        context.print(
          [
            `API key    ${made.apiKey}`,
            `Secret     ${made.secret}    (shown this once)`,
            `Workspace  ${made.workspaceId}`,
          ],
          made,
        )
        return true
      },
      { mayBeNew: true },
    ),
  )
}

/** `default` stands for the workspace of the web pages. */
export function workspaceId(value: string): string {
  return value === 'default' ? DEFAULT_WORKSPACE_ID : value
}

function keyName(value: string): string {
  if (value.trim() === '' || value.length > 200) throw new InvalidArgumentError('It has 1 to 200 characters.')
  return value
}

function permissionList(value: string): Permission[] {
  const wanted = value.split(',').map((one) => one.trim())
  const known = PERMISSIONS.filter((one) => wanted.includes(one))
  if (known.length !== new Set(wanted).size)
    throw new InvalidArgumentError(`Known are ${PERMISSIONS.join(', ')}.`)
  return known
}

function time(value: string): string {
  const at = Date.parse(value)
  if (Number.isNaN(at) || at <= Date.now())
    throw new InvalidArgumentError('It is a time to come, in ISO 8601.')
  return new Date(at).toISOString()
}
