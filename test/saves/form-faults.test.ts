import { expect, test } from 'vitest'
import { newDocx, startFaultyService } from '../support/faulty-service.ts'

const DATA = Buffer.from('{"Name":"Ann"}')

test.each([
  { fault: 'its n-th query fails', how: {} },
  { fault: 'its n-th query works but says otherwise', how: { how: 'after' as const } },
])('a form is handed in once, whatever was answered, when $fault', async ({ how }) => {
  await using service = await startFaultyService()
  const { app, database, docServer } = service
  const submissionsOf = async (id: string) => {
    const answer = await app.fetch(`/api/documents/${id}/submissions`)
    return (await answer.json()) as { submissions: { id: string }[]; totalCount: number }
  }
  for (let nth = 1; ; nth += 1) {
    const document = await service.edited()
    const bytes = newDocx()
    const formsdataurl = docServer.fileUrl(DATA, 'data.json')
    const callback = { ...service.save({ status: 6, forcesavetype: 3 }, bytes), formsdataurl }

    database.arm({ nth, ...how })
    const status = await service.send(document.key, callback)
    database.disarm()
    const at = `n=${nth}, ${database.failed}`

    if (status === 200) expect([(await submissionsOf(document.id)).totalCount, at]).toEqual([1, at])
    else expect([status, at]).toEqual([503, at])
    expect([await service.send(document.key, callback), at]).toEqual([200, at])

    const { submissions, totalCount } = await submissionsOf(document.id)
    expect([totalCount, at]).toEqual([1, at])
    const one = await app.fetch(`/api/documents/${document.id}/submissions/${submissions[0]?.id}`)
    expect(await one.json()).toMatchObject({ hasData: true, data: { Name: 'Ann' } })
    const told = app.deps.database
      .selectFrom('activity')
      .select('id')
      .where('document_id', '=', document.id)
      .where('action', '=', 'form-submitted')
    expect([(await told.execute()).length, at]).toEqual([1, at])
    if (database.failed === undefined) {
      expect(nth).toBeGreaterThan(10)
      break
    }
  }
})
