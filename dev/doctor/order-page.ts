/**
 * The pages of the shop that WeChat opens for an order, and the URL of complaints. Doctor compares
 * them, and sets them only when it is told to (`--register`).
 */
import { configuredProtocols } from '../../lib/config/protocol.ts'
import { notifyUrl } from '../../lib/config/orders.ts'
import { failureOf } from '../../lib/core/failure.ts'
import { err, type Outcome } from '../../lib/core/result.ts'
import type { ComplaintGateway } from '../../lib/ports.ts'
import { within, type Check, type Patient } from './check.ts'
import { reporter, type Finding, type Verdicts } from './finding.ts'
import { openPageCalls, ORDER_NUMBER, type PageAnswer } from './order-page-calls.ts'
import { openV3 } from './v3.ts'

const REGISTER =
  'npm run doctor -- --register pages/order/order, with the page of your Mini Program'
const NO_PAGE = 'a buyer who opens an order in WeChat (购物订单) does not reach the shop'
const NOT_HEARD =
  'a complaint must be answered within 24 hours and finished within 72, or WeChat may refund the buyer from your account'
const BAD_PATH = 10060035
const NO_AGREEMENT = 10060034

const verdicts = {
  page_right: { status: 'ok', what: 'WeChat opens an order at {path}' },
  page_set: { status: 'ok', what: 'set: WeChat opens an order at {path}' },
  shipping_page_set: {
    status: 'ok',
    what: 'set: WeChat’s messages about shipping open {path}',
  },
  complaints_right: { status: 'ok', what: 'WeChat notifies complaints to {url}' },
  complaints_set: { status: 'ok', what: 'set: WeChat notifies complaints to {url}' },
  no_page: {
    status: 'warning',
    what: 'no page is registered for the buyer’s orders',
    why: NO_PAGE,
    where: REGISTER,
  },
  page_without_number: {
    status: 'wrong',
    what: `the page that is registered for orders, {path}, lacks ${ORDER_NUMBER}`,
    why: NO_PAGE,
    where: REGISTER,
  },
  page_refused: {
    status: 'wrong',
    what: 'WeChat does not accept the page {path} ({code})',
    why: NO_PAGE,
    where: 'name a page of the Mini Program without its query: pages/order/order',
  },
  no_agreement: {
    status: 'wrong',
    what: 'the agreement of the order centre is not accepted (10060034)',
    why: NO_PAGE,
    where: 'mp.weixin.qq.com → 订单中心: accept 订单中心授权协议, then run it again',
  },
  not_offered: {
    status: 'skipped',
    what: 'WeChat does not offer the calls about order pages to this Mini Program ({code})',
  },
  page_unknown: {
    status: 'unknown',
    what: 'WeChat did not say which page opens an order ({code})',
    why: 'the page was not compared',
    where: 'run it again in a minute; if the Mini Program has a problem, fix that first',
  },
  complaints_not_notified: {
    status: 'warning',
    what: 'WeChat notifies no complaints',
    why: NOT_HEARD,
    where: REGISTER,
  },
  complaints_elsewhere: {
    status: 'warning',
    what: 'WeChat notifies complaints to {url}, and not to this deployment',
    why: NOT_HEARD,
    where: `if no other system of yours needs them: ${REGISTER}`,
  },
  complaints_unknown: {
    status: 'unknown',
    what: 'WeChat Pay did not say where complaints are notified to',
    why: 'the URL was not compared',
    where: 'run it again in a minute; if APIv3 has a problem, fix that first',
  },
} as const satisfies Verdicts

const say = reporter('order-page', verdicts)

export const orderPage: Check = {
  name: 'order-page',
  title: 'Orders and complaints in WeChat',
  verdicts,
  settings: [],
  examine: async (patient) => [await comparePage(patient), ...(await compareComplaints(patient))],
}

/** WeChat's code, or our own word for a call without an answer. */
const codeOf = (failed: Extract<Outcome<unknown>, { ok: false }>): string =>
  'code' in failed.error ? failed.error.code : failed.error.reason

async function comparePage(patient: Patient): Promise<Finding> {
  const calls = await openPageCalls(patient)
  if (!calls.ok) return say('page_unknown', { code: codeOf(calls) })
  const read = await calls.value.readOrderPage()
  if (!read.ok) return say('page_unknown', { code: codeOf(read) })
  const { errcode, path } = read.value
  if (errcode !== 0) return judgeRefusal(errcode, '') ?? say('page_unknown', { code: `${errcode}` })
  if (path === '') return say('no_page')
  return say(path.includes(ORDER_NUMBER) ? 'page_right' : 'page_without_number', { path })
}

/** Null if the code says nothing about the page. */
function judgeRefusal(errcode: number, path: string): Finding | null {
  const code = String(errcode)
  if (errcode === NO_AGREEMENT) return say('no_agreement')
  if (errcode === BAD_PATH) return say('page_refused', { path, code })
  return errcode === 48001 ? say('not_offered', { code }) : null
}

const usesV3 = ({ env }: Patient): boolean => configuredProtocols(env).includes('v3')

async function compareComplaints(patient: Patient): Promise<readonly Finding[]> {
  if (!usesV3(patient)) return []
  const found = await withComplaints(patient, (complaints) => complaints.findNotifyUrl())
  if (!found.ok) return [say('complaints_unknown')]
  const { own, value: url } = found
  if (url === null) return [say('complaints_not_notified')]
  const code = url === own ? 'complaints_right' : 'complaints_elsewhere'
  return [say(code, { url: withoutQuery(url) })]
}

/** @returns the outcome with the own URL. A setting that is missing is a failure, too. */
async function withComplaints<T>(
  patient: Patient,
  call: (complaints: ComplaintGateway, own: string) => Promise<Outcome<T>>,
): Promise<Outcome<T> & { readonly own: string }> {
  let own = ''
  try {
    own = notifyUrl(patient.env)
    const complaints = await openV3(patient).complaints?.()
    if (complaints === undefined) throw new Error('APIv3 has no calls about complaints')
    return { ...(await within(patient, () => call(complaints, own))), own }
  } catch (cause) {
    const failure = failureOf(cause)
    if (failure.reason === 'internal_error') throw cause
    return { ...err(failure), own }
  }
}

/** The query of another system's URL may hold a secret. */
function withoutQuery(text: string): string {
  const url = URL.parse(text)
  return url === null ? 'another URL' : url.origin + url.pathname
}

/**
 * Registers a page for the orders and for WeChat's messages about shipping. With APIv3 it also
 * registers the URL of complaints. Repeating it is harmless.
 *
 * @param page of the Mini Program, without a slash before it and without a query
 */
export async function register(patient: Patient, page: string): Promise<readonly Finding[]> {
  const pages = await registerPages(patient, page)
  if (!usesV3(patient)) return pages
  const set = await withComplaints(patient, (complaints, own) => complaints.setNotifyUrl(own))
  return [...pages, set.ok ? say('complaints_set', { url: set.own }) : say('complaints_unknown')]
}

async function registerPages(patient: Patient, page: string): Promise<readonly Finding[]> {
  const calls = await openPageCalls(patient)
  if (!calls.ok) return [say('page_unknown', { code: codeOf(calls) })]
  const path = `${page}?outTradeNo=${ORDER_NUMBER}`
  const order = judgeSet(await calls.value.setOrderPage(path), path, 'page_set')
  if (order.status !== 'ok') return [order]
  const shipping = await calls.value.setShippingPage(page)
  return [order, judgeSet(shipping, page, 'shipping_page_set')]
}

function judgeSet(
  set: Outcome<PageAnswer>,
  path: string,
  code: 'page_set' | 'shipping_page_set',
): Finding {
  if (!set.ok) return say('page_unknown', { code: codeOf(set) })
  const { errcode } = set.value
  if (errcode === 0) return say(code, { path })
  return judgeRefusal(errcode, path) ?? say('page_refused', { path, code: String(errcode) })
}
