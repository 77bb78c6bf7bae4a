export type Look = { width: 360 | 1300; colorScheme: 'light' | 'dark' }

/** Where pictures of the pages go, for somebody to look at them. */
export const SHOTS = process.env.SHOTS

const ALL: Look[] = ([360, 1300] as const).flatMap((width) =>
  (['light', 'dark'] as const).map((colorScheme) => ({ width, colorScheme })),
)

/** All of them where pictures are wanted; else each width and each colour scheme once, since each look takes seconds. */
export const LOOKS: readonly Look[] =
  SHOTS === undefined
    ? ALL.filter(({ width, colorScheme }) => (width === 360) === (colorScheme === 'dark'))
    : ALL
