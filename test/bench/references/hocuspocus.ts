import { Server } from '@hocuspocus/server'
import { announce } from './announce.ts'

// Documents in memory, nothing stored. One message for each update, as the hub sends them, instead of merged ones.
const server = new Server({ port: 0, address: '127.0.0.1', quiet: true, flushDelay: false })
await server.listen()
announce(server.httpServer)
