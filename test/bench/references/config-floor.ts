import { createSecretKey } from 'node:crypto'
import express from 'express'
import jwt from 'jsonwebtoken'
import { sampleConfig } from '../sample-config.ts'
import { announce } from './announce.ts'

// An Express handler that builds a config (its file address carries a token) and signs it, and does nothing else.
const key = createSecretKey(process.argv[2] ?? '', 'utf8')
const sign = (payload: object) => jwt.sign(payload, key, { algorithm: 'HS256', expiresIn: 3600 })
const app = express()
app.get('/config/:id', (request, response) => {
  const { id } = request.params
  const config = sampleConfig(id, sign({ versionId: id, part: 'content', aud: 'file' }))
  const onlyofficeJsUrl = 'http://localhost/web-apps/apps/api/documents/api.js'
  response.json({ config, token: sign(config), onlyofficeJsUrl })
})
announce(app.listen(0, '127.0.0.1'))
