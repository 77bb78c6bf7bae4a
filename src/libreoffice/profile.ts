import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** A port where nothing listens: what goes through this proxy goes nowhere. */
const NOWHERE = { host: '127.0.0.1', port: 9 }

const SCRIPTING = '/org.openoffice.Office.Common/Security/Scripting'
const INET = '/org.openoffice.Inet/Settings'

/** Path, name and value of a setting. Source: LibreOffice, officecfg registry schema. */
const SETTINGS = [
  // Linked pictures and sections could show files of this machine, or ask hosts inside the network.
  [SCRIPTING, 'BlockUntrustedRefererLinks', true],
  [SCRIPTING, 'DisableActiveContent', true],
  [SCRIPTING, 'DisableMacrosExecution', true],
  [SCRIPTING, 'MacroSecurityLevel', 3],
  [INET, 'ooInetProxyType', 2],
  [INET, 'ooInetHTTPProxyName', NOWHERE.host],
  [INET, 'ooInetHTTPProxyPort', NOWHERE.port],
  [INET, 'ooInetHTTPSProxyName', NOWHERE.host],
  [INET, 'ooInetHTTPSProxyPort', NOWHERE.port],
  [INET, 'ooInetNoProxy', ''],
] as const

/** Makes a user profile in which documents can neither run anything nor fetch anything. */
export async function writeProfile(folder: string): Promise<void> {
  const items = SETTINGS.map(
    ([path, name, value]) =>
      `<item oor:path="${path}"><prop oor:name="${name}" oor:op="fuse"><value>${value}</value></prop></item>`,
  )
  await mkdir(join(folder, 'user'), { recursive: true })
  await writeFile(
    join(folder, 'user', 'registrymodifications.xcu'),
    `<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry" xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
${items.join('\n')}
</oor:items>
`,
  )
}
