import { createSecretKey } from 'node:crypto'
import { Agent, request as post } from 'node:http'
import { text } from 'node:stream/consumers'
import jwt from 'jsonwebtoken'
import { Pool } from 'undici'

// Posts signed forcesave commands, 16 at a time: posting-loop.ts undici|http <port> <count> <secret>
const [client, port, count, secret] = process.argv.slice(2)
const IN_FLIGHT = 16
const PATH = '/coauthoring/CommandService.ashx'
const key = createSecretKey(secret ?? '', 'utf8')
const pool = new Pool(`http://127.0.0.1:${port}`, { connections: IN_FLIGHT })
const agent = new Agent({ keepAlive: true, maxSockets: IN_FLIGHT })

const sendByUndici = async (path: string, headers: Record<string, string>, body: string) => {
  await (await pool.request({ method: 'POST', path, headers, body })).body.text()
}
const sendByHttp = (path: string, headers: Record<string, string>, body: string) =>
  new Promise<void>((resolve, reject) => {
    const request = post({ host: '127.0.0.1', port, path, method: 'POST', agent, headers }, (response) =>
      text(response).then(() => resolve(), reject),
    )
    request.once('error', reject).end(body)
  })
const send = client === 'undici' ? sendByUndici : sendByHttp

let next = 0
async function work(): Promise<void> {
  while (next < Number(count)) {
    const command = { c: 'forcesave', key: `key-${next++}` }
    const sign = (payload: object) => jwt.sign(payload, key, { algorithm: 'HS256', expiresIn: 300 })
    const headers = {
      'content-type': 'application/json',
      authorization: `Bearer ${sign({ payload: command })}`,
    }
    const body = JSON.stringify({ ...command, token: sign(command) })
    await send(`${PATH}?shardkey=${command.key}`, headers, body)
  }
}
await Promise.all(Array.from({ length: IN_FLIGHT }, work))
await pool.close()
agent.destroy()
