/** Tests of the complaints port, on an embedded or a real PostgreSQL. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createInstance } from '../../lib/composition.ts'
import type { KnownComplaint } from '../../lib/core/complaint.ts'
import { parseComplaintId, type ComplaintId } from '../../lib/core/ids.ts'
import type { Complaints } from '../../lib/ports.ts'
import { must } from '../support/must.ts'
import { openShop, type Shop } from '../support/shop.ts'

let shop: Shop
let complaints: Complaints
beforeAll(async () => {
  shop = await openShop()
  ;({ complaints } = createInstance(shop.world.env).deps)
})
beforeEach(async () => {
  await shop.sql('delete from complaints')
  await shop.sql(`delete from events where type like 'complaint.%'`)
})
afterAll(() => shop.close())

/** A moment, in seconds after a fixed start. */
const at = (seconds: number) => new Date(Date.UTC(2031, 0, 2, 3, 4, 5) + seconds * 1_000)
const HOUR = 3_600
const id = (text: string): ComplaintId => must(parseComplaintId(text))
const known = (text: string, over: Partial<KnownComplaint> = {}): KnownComplaint => ({
  complaintId: id(text),
  state: 'PENDING',
  complainedAt: at(0),
  detail: '没有收到商品',
  problemType: 'OTHERS',
  openid: 'oDemo000000000000000000User1',
  payment: { outTradeNo: 'ELSEWHERE-1', transactionId: '42', totalFee: 100 },
  applyRefundFee: null,
  isFullyRefunded: false,
  isReplyAwaited: true,
  times: 1,
  ...over,
})
const report = (text: string, seconds = 0) =>
  complaints.report(id(text), at(seconds), at(seconds + 30))
const types = async () =>
  (await shop.sql(`select type from events where type like 'complaint.%' order by seq`)).map(
    ({ type }) => type,
  )
const taken = async (seconds: number) =>
  (await complaints.takeDue(8, at(seconds), at(seconds + 30))).map(({ complaintId }) => complaintId)

test('a complaint is stored by its number, and due again when its lease ends', async () => {
  expect(await report('1')).toEqual({ complaintId: '1', complaint: null, attempts: 0 })
  expect(await taken(29)).toEqual([])
  expect(await taken(30)).toEqual(['1'])
  expect(await taken(31)).toEqual([])
  expect(await complaints.find(id('1'))).toBeNull()
})

test('its first description is one event, however many run at the same time', async () => {
  await report('1')
  await Promise.all(Array.from({ length: 15 }, () => complaints.save(known('1'), at(1), at(2))))
  expect(await types()).toEqual(['complaint.created'])
  expect(await complaints.find(id('1'))).toEqual({ ...known('1'), outTradeNo: null })
})

test('an answer to an earlier question does not replace a later one', async () => {
  await report('1')
  await complaints.save(known('1', { state: 'PROCESSING' }), at(10), at(11))
  const saved = await complaints.save(known('1'), at(5), at(12))
  expect(saved.state).toBe('PROCESSING')
  expect(await types()).toEqual(['complaint.created'])
})

test('a complaint that is reported again during a question stays due', async () => {
  await report('1')
  await report('1', 20)
  await complaints.save(known('1', { state: 'PROCESSED' }), at(10), at(21))
  expect(await taken(50)).toEqual(['1'])
})

test('each warning is one event, and due four hours before its deadline', async () => {
  await report('1')
  const saved = await complaints.save(known('1'), at(1), at(2))
  expect(await taken(20 * HOUR - 1)).toEqual([])
  expect(await taken(20 * HOUR)).toEqual(['1'])
  await Promise.all(
    Array.from({ length: 15 }, () => complaints.warn(saved, 'reply', at(20 * HOUR))),
  )
  expect(await taken(68 * HOUR - 1)).toEqual([])
  expect(await taken(68 * HOUR)).toEqual(['1'])
  await complaints.warn(saved, 'finish', at(68 * HOUR))
  expect(await taken(999 * HOUR)).toEqual([])
  expect(await types()).toEqual(['complaint.created', 'complaint.overdue', 'complaint.overdue'])
})

test('a task that is done by then is not warned about', async () => {
  await report('1')
  const saved = await complaints.save(known('1'), at(1), at(2))
  await complaints.save(known('1', { state: 'PROCESSING' }), at(3), at(4))
  await complaints.warn(saved, 'reply', at(20 * HOUR))
  expect(await taken(68 * HOUR - 1)).toEqual([])
  await complaints.save(known('1', { state: 'PROCESSED' }), at(5), at(6))
  await complaints.warn(saved, 'finish', at(68 * HOUR))
  expect(await types()).toEqual(['complaint.created'])
  expect(await taken(999 * HOUR)).toEqual([])
})

test('a failed question is counted, and the next one is due after its pause', async () => {
  await report('1')
  await complaints.postpone(id('1'), at(60))
  expect(await taken(59)).toEqual([])
  expect(await complaints.takeDue(8, at(60), at(90))).toMatchObject([{ attempts: 1 }])
  await complaints.postpone(id('1'), null)
  expect(await taken(9_999)).toEqual([])
  expect(await report('1', 10_000)).toMatchObject({ attempts: 0 })
})

test('a page continues after the last complaint of the page before', async () => {
  for (const [text, seconds] of [
    ['1', 0],
    ['2', 0],
    ['3', 5],
  ] as const) {
    await report(text)
    const state = text === '2' ? 'PROCESSED' : 'PENDING'
    await complaints.save(known(text, { complainedAt: at(seconds), state }), at(1), at(2))
  }
  await report('4')
  const page = async (before: string | null, states: readonly KnownComplaint['state'][] | null) => {
    const filter = { states, before: before === null ? null : id(before), limit: 2 }
    const { complaints: found, next } = await complaints.list(filter)
    return [found.map(({ complaintId }) => complaintId), next]
  }
  expect(await page(null, null)).toEqual([['3', '2'], '2'])
  expect(await page('2', null)).toEqual([['1'], null])
  expect(await page(null, ['PENDING'])).toEqual([['3', '1'], null])
})

test('one action at a time claims a complaint, by the clock of the database', async () => {
  await report('1')
  const claim = () => complaints.claim(id('1'), 30_000)
  const first = await claim()
  shop.advance(29_000)
  expect([first, await claim()]).toEqual([expect.any(Date), null])
  shop.advance(1_000)
  const second = await claim()
  if (first === null || second === null) throw new Error('the claim did not end')
  await complaints.release(id('1'), first)
  expect(await claim()).toBeNull()
  await complaints.release(id('1'), second)
  expect(await claim()).toEqual(expect.any(Date))
})
