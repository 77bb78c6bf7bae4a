import express from 'express'
import { announce } from './announce.ts'

// `res.sendFile` of the file named on the command line by its size.
const app = express()
app.get('/:name', (request, response) => {
  response.sendFile(request.params.name, { root: process.argv[2] ?? '' })
})
announce(app.listen(0, '127.0.0.1'))
