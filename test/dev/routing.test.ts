/**
 * The local world routes as Vercel does, by the rules of `@vercel/routing-utils` and
 * `@vercel/fs-detectors`.
 */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openShop, type Shop } from '../support/shop.ts'

let shop: Shop
beforeAll(async () => {
  shop = await openShop()
})
afterAll(() => shop.close())

const page = (name: string) =>
  readFileSync(new URL(`../../public/${name}`, import.meta.url), 'utf8')

test.each([
  ['/index', '/'],
  ['/index.html', '/'],
  ['/index/', '/'],
  ['/404.html', '/404'],
  ['/404.html/', '/404'],
  ['/nothing.html', '/nothing'],
  ['/console.html', '/console'],
  ['/api/index', '/api'],
  ['/api/login.ts', '/api/login'],
  ['/index.html?shop=1', '/?shop=1'],
  ['//elsewhere.example/index.html', '/elsewhere.example'],
])('%s redirects permanently to %s', async (path, to) => {
  const { status, headers } = await shop.call('GET', path)
  expect([status, headers.get('location')]).toEqual([308, to])
})

test.each([
  ['/', 200, 'index.html'],
  ['/404', 200, '404.html'],
  ['/404/', 200, '404.html'],
  ['/nothing', 404, '404.html'],
  ['/nothing/at/all', 404, '404.html'],
  ['/style', 404, '404.html'],
  ['/dev/world/world.ts', 404, '404.html'],
] as const)('%s is answered with %i and the page of %s', async (path, status, name) => {
  const answer = await shop.call('GET', path)
  expect([answer.status, answer.headers.get('content-type'), answer.text]).toEqual([
    status,
    'text/html; charset=utf-8',
    page(name),
  ])
  expect(answer.headers.get('x-frame-options')).toBe('DENY')
})

test.each(['/api', '/api/', '/api/nothing', '/api/login/more', '/apiary'])(
  '%s is not a function, and gets no page',
  async (path) => {
    const answer = await shop.call('GET', path)
    expect([answer.status, answer.headers.get('x-vercel-error'), answer.text]).toEqual([
      404,
      'NOT_FOUND',
      'The page could not be found\n\nNOT_FOUND\n',
    ])
  },
)

test('a function also answers with a trailing slash', async () => {
  const answer = await shop.call('GET', '/api/products/')
  expect([answer.status, Object.keys(answer.json)]).toEqual([200, ['products']])
})

test.each(['/', '/404', '/style.css'])('the page %s accepts no POST', async (path) => {
  expect((await shop.call('POST', path, { body: {} })).status).toBe(405)
  expect((await shop.call('HEAD', path)).status).toBe(200)
})
