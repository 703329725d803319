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
import { openPageCalls, ORDER_NUMBER } from './order-page-calls.ts'
import { openV3 } from './v3.ts'

const REGISTER =
  'npm run doctor -- --register pages/order/order, with the page of your Mini Program'
const NO_PAGE = 'a buyer who opens an order in WeChat (购物订单) does not reach the shop'
const NOT_HEARD =
  'a complaint must be answered within 24 hours and finished within 72, or WeChat may refund the buyer from your account'
const AGAIN = 'fix the cause in parentheses, then run it again. Settings that were made stay'
/** `update_order_detail_path` and `set_msg_jump_path` each have a code for a bad page. */
const BAD_PAGE: readonly number[] = [10060035, 10060014]
const NO_AGREEMENT = 10060034
const NOT_OFFERED = 48001

const verdicts = {
  page_right: { status: 'ok', what: 'WeChat opens an order at {path}' },
  page_set: { status: 'ok', what: 'set: WeChat opens an order at {path}' },
  shipping_page_set: {
    status: 'ok',
    what: 'set: WeChat’s messages about shipping open {path}',
  },
  complaints_right: { status: 'ok', what: 'WeChat sends notifications of complaints to {url}' },
  complaints_set: { status: 'ok', what: 'set: WeChat sends notifications of complaints to {url}' },
  page_not_set: {
    status: 'wrong',
    what: 'not set: the page that WeChat opens for an order ({code})',
    why: NO_PAGE,
    where: AGAIN,
  },
  shipping_page_not_set: {
    status: 'wrong',
    what: 'not set: the page that WeChat’s messages about shipping open ({code})',
    why: 'a buyer who opens such a message does not reach the shop',
    where: AGAIN,
  },
  complaints_not_set: {
    status: 'wrong',
    what: 'not set: the URL for notifications of complaints ({code})',
    why: NOT_HEARD,
    where: AGAIN,
  },
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
    what: 'WeChat sends no notifications of complaints',
    why: NOT_HEARD,
    where: REGISTER,
  },
  complaints_elsewhere: {
    status: 'warning',
    what: 'WeChat sends notifications of complaints to {url}, and not to this deployment',
    why: NOT_HEARD,
    where: `if no other system of yours needs them: ${REGISTER}`,
  },
  complaints_unknown: {
    status: 'unknown',
    what: 'WeChat Pay did not return the URL for notifications of complaints',
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

/** WeChat's code, the setting that is missing, or our own word for a call without an answer. */
function codeOf({ error }: Extract<Outcome<unknown>, { ok: false }>): string {
  if (error.reason === 'not_configured') return `${error.variable} ${error.fault}`
  return 'code' in error ? error.code : error.reason
}

async function comparePage(patient: Patient): Promise<Finding> {
  const calls = await openPageCalls(patient)
  if (!calls.ok) return say('page_unknown', { code: codeOf(calls) })
  const read = await calls.value.readOrderPage()
  if (!read.ok) return say('page_unknown', { code: codeOf(read) })
  const { errcode, path } = read.value
  const code = String(errcode)
  if (errcode === NO_AGREEMENT) return say('no_agreement')
  if (errcode === NOT_OFFERED) return say('not_offered', { code })
  if (errcode !== 0) return say('page_unknown', { code })
  if (path === '') return say('no_page')
  return say(path.includes(ORDER_NUMBER) ? 'page_right' : 'page_without_number', { path })
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

/** @returns the outcome with the own URL */
async function withComplaints<T>(
  patient: Patient,
  call: (complaints: ComplaintGateway, own: string) => Promise<Outcome<T>>,
): Promise<Outcome<T> & { readonly own: string }> {
  let own = ''
  const called = await attempt(async () => {
    own = notifyUrl(patient.env)
    const complaints = await openV3(patient).complaints?.()
    if (complaints === undefined) throw new Error('APIv3 has no calls about complaints')
    return within(patient, () => call(complaints, own))
  })
  return { ...called, own }
}

/** A setting that is missing or malformed is a failure, too. */
async function attempt<T>(call: () => Promise<Outcome<T>>): Promise<Outcome<T>> {
  try {
    return await call()
  } catch (cause) {
    const failure = failureOf(cause)
    if (failure.reason === 'internal_error') throw cause
    return err(failure)
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
  const complaints = set.ok
    ? say('complaints_set', { url: set.own })
    : say('complaints_not_set', { code: codeOf(set) })
  return [...pages, complaints]
}

/** Each page is tried, and reported as set or not. */
async function registerPages(patient: Patient, page: string): Promise<readonly Finding[]> {
  const calls = await attempt(() => openPageCalls(patient))
  const set = async (kind: 'page' | 'shipping_page', path: string): Promise<Finding> => {
    const answer = calls.ok
      ? await (kind === 'page' ? calls.value.setOrderPage(path) : calls.value.setShippingPage(path))
      : calls
    if (!answer.ok) return say(`${kind}_not_set`, { code: codeOf(answer) })
    const { errcode } = answer.value
    if (errcode === 0) return say(`${kind}_set`, { path })
    if (errcode === NO_AGREEMENT) return say('no_agreement')
    const code = String(errcode)
    return BAD_PAGE.includes(errcode)
      ? say('page_refused', { path, code })
      : say(`${kind}_not_set`, { code })
  }
  return [await set('page', `${page}?outTradeNo=${ORDER_NUMBER}`), await set('shipping_page', page)]
}
