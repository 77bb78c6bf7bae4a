/** Titles as people give them, the same in every run. */
const KINDS = ['Budget', 'Protokoll', 'Présentation', 'Übersicht', 'Résumé', 'Contract', 'Invoice', 'Minutes']
const TOPICS = [
  'marketing',
  'sales',
  'Łódź',
  'São Paulo',
  'München',
  'hiring',
  'roadmap',
  'warehouse',
  'legal',
]
const CHINESE = ['季度报告', '会议纪要', '预算草案', '项目计划']
const JAPANESE = ['会議資料', '売上報告', '見積書']
const PEOPLE = ['Ann', 'Jürgen', 'Zoë', 'Søren', 'Μαρία', 'Ольга', 'Nguyễn', 'Carlos', 'Priya', 'Chidi']

/** In half of all titles. */
export const COMMON = 'Quarterly'
/** Each in half of all titles, and never both in one. */
export const APART = ['Internal', 'External'] as const
/** In one title of a thousand. */
export const SELDOM = 'Zweitschrift'
/** In one title of a hundred thousand. */
export const RARE = 'Xylophonkonzert'
/** Common where it is used, and nowhere else. */
export const ELSEWHERE = COMMON

/** @param random from 0 up to 1 */
export function titleOf(number: number, random: () => number): string {
  const one = (words: readonly string[]) => words[Math.floor(random() * words.length)] ?? ''
  return [
    random() < 0.5 ? COMMON : undefined,
    APART[number % 2],
    one(KINDS),
    random() < 0.05 ? one(random() < 0.5 ? CHINESE : JAPANESE) : undefined,
    one(TOPICS),
    number % 1000 === 500 ? SELDOM : undefined,
    number % 100_000 === 50_000 ? RARE : undefined,
    one(PEOPLE),
    String(2000 + Math.floor(random() * 27)),
    `no. ${number}`,
  ]
    .filter((word) => word !== undefined)
    .join(' ')
}
