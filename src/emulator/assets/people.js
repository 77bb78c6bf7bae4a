// Users: asked for, listed, mentioned in a comment.
import { tellHost } from './host.js'
import { showResult } from './results.js'
import { make } from './tab.js'

const PAGE_SIZE = 100

/** Who can be mentioned, as far as the host page has told. */
let mentionable = []
let lastRequest = { from: 0, search: '' }
let comments = 0

export const PEOPLE_TOOLS = [
  {
    name: 'users-mention',
    event: 'onRequestUsers',
    label: 'Find people',
    choices: ['mention'],
    fields: [{ name: 'search', label: 'Name begins with' }],
    isOffered: ({ canComment }) => canComment,
    isMobile: true,
    act: ({ search }) => requestMentionable(0, search),
  },
  {
    name: 'users-protect',
    event: 'onRequestUsers',
    label: 'People for a protected range',
    choices: ['protect'],
    isOffered: ({ kind, canProtect }) => kind === 'cell' && canProtect,
    data: () => ({ c: 'protect', from: 0, count: PAGE_SIZE }),
  },
  {
    name: 'users-info',
    event: 'onRequestUsers',
    label: 'Show who they are',
    choices: ['info'],
    fields: [{ name: 'ids', label: 'Ids, separated by commas' }],
    isMobile: true,
    data: ({ ids }) => ({ c: 'info', id: ids.split(',').filter(Boolean) }),
  },
  {
    name: 'comment',
    event: 'onRequestSendNotify',
    label: 'Comment',
    fields: [
      { name: 'message', label: 'Comment' },
      { name: 'mention', label: 'Mention', options: () => mentionable.map(optionOf) },
    ],
    isOffered: ({ canComment }) => canComment,
    isMobile: true,
    act: ({ message, mention }) => {
      comments += 1
      // A comment that mentions nobody notifies nobody.
      if (mention.length === 0) return
      const actionLink = { action: { type: 'comment', data: `comment-${comments}` } }
      tellHost('onRequestSendNotify', { actionLink, message, emails: mention })
    },
  },
]

/** @param list as `setUsers` takes it */
export function showUserList({ c = 'mention', users = [], total, isPaginated }) {
  const isNextPage = c === 'mention' && lastRequest.from > 0
  const listed = isNextPage ? [...mentionable, ...users] : users
  if (c === 'mention') {
    mentionable = listed
    for (const field of document.querySelectorAll('[data-field="mention"]')) {
      field.replaceChildren(...mentionable.map(optionOf))
    }
  }
  const hasMore = c === 'mention' && isPaginated === true && total > listed.length
  showResult(
    'users',
    make('ul', { dataset: { users: c, total } }, ...listed.map(makeUser)),
    ...(hasMore ? [moreButton(listed.length)] : []),
  )
}

function requestMentionable(from, search) {
  lastRequest = { from, search }
  tellHost('onRequestUsers', { c: 'mention', from, count: PAGE_SIZE, ...(search ? { search } : {}) })
}

function moreButton(from) {
  return make('button', {
    type: 'button',
    textContent: 'More people',
    dataset: { event: 'onRequestUsers', c: 'mention', more: '' },
    onclick: () => requestMentionable(from, lastRequest.search),
  })
}

function makeUser({ id, name, email, image }) {
  const avatar = image ? [make('img', { src: image, alt: '' })] : []
  return make('li', { dataset: { userId: id, email } }, ...avatar, [name, email].filter(Boolean).join(' · '))
}

function optionOf({ name, email }) {
  return make('option', { value: email, textContent: name ?? email })
}
