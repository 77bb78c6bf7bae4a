/** Time that a test moves. */
export function testClock(start = '2026-11-21T08:00:00.000Z') {
  let now = Date.parse(start)
  return {
    now: () => new Date(now),
    set: (time: string) => {
      now = Date.parse(time)
    },
    pass: (seconds: number) => {
      now += seconds * 1000
    },
  }
}
