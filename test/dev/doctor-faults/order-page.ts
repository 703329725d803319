/** The pages that WeChat opens for an order, and the URL of complaints, in a shop of APIv3. */
import { misbehaving, type Row } from './row.ts'

const row = (
  fault: string,
  code: string,
  status: Row[3],
  what: string,
  bring: Row[5] = () => ({}),
): Row => [fault, 'order-page', code, status, what, bring]

const PAGE = 'pages/order/order?outTradeNo=${商品订单号}'
const NOTIFY = 'http://127.0.0.1:…/api/notify'

/** Registered as by `--register`. */
const registered: Row[5] = async (setup) => {
  await setup.register('order-page')
  return {}
}

const refusing = (on: 'order_page' | 'shipping_page', errcode: number): Row[5] =>
  misbehaving({ on, do: 'errcode', errcode })

export const orderPage: readonly Row[] = [
  row('a new shop', 'no_page', 'warning', 'no page is registered for the buyer’s orders'),
  row(
    'a new shop',
    'complaints_not_notified',
    'warning',
    'WeChat sends no notifications of complaints',
  ),
  row('nothing', 'page_right', 'ok', `WeChat opens an order at ${PAGE}`, registered),
  row(
    'nothing',
    'complaints_right',
    'ok',
    `WeChat sends notifications of complaints to ${NOTIFY}`,
    registered,
  ),
  row(
    'a page that another program has registered',
    'page_without_number',
    'wrong',
    'the page that is registered for orders, pages/index, lacks ${商品订单号}',
    (setup) => {
      setup.fakeServer.answerWith((path) => ({
        body: path.includes('stable_token')
          ? '{"access_token":"token","expires_in":7200}'
          : '{"errcode":0,"path":"pages/index"}',
      }))
      return setup.changed({ WECHAT_API_URL: setup.fakeServer.url })
    },
  ),
  row(
    'an agreement that is not accepted',
    'no_agreement',
    'wrong',
    'the agreement of the order centre is not accepted (10060034)',
    ({ shop }) => {
      shop.wechat.changeSettings({ orderCentreAgreed: false })
      return {}
    },
  ),
  row(
    'a Mini Program without the order centre',
    'not_offered',
    'skipped',
    'WeChat does not offer the calls about order pages to this Mini Program (48001)',
    refusing('order_page', 48_001),
  ),
  row(
    'WeChat is busy',
    'page_unknown',
    'unknown',
    'WeChat did not say which page opens an order (-1)',
    refusing('order_page', -1),
  ),
  row(
    'WeChat does not answer',
    'page_unknown',
    'unknown',
    'WeChat did not say which page opens an order (wechat_unknown)',
    misbehaving({ on: 'order_page', do: 'drop' }),
  ),
  row(
    'a wrong AppSecret',
    'page_unknown',
    'unknown',
    'WeChat did not say which page opens an order (40125)',
    (setup) => setup.changed({ WECHAT_APP_SECRET: 'ffeeddccbbaa99887766554433221100' }),
  ),
  row(
    'the URL of another system, with a secret in it',
    'complaints_elsewhere',
    'warning',
    'WeChat sends notifications of complaints to https://erp.shop.example/complaints, and not to this deployment',
    ({ shop }) => {
      shop.wechat.registerComplaintUrl('https://erp.shop.example/complaints?key=secret')
      return {}
    },
  ),
  row(
    'WeChat Pay does not answer',
    'complaints_unknown',
    'unknown',
    'WeChat Pay did not return the URL for notifications of complaints',
    misbehaving({ on: 'complaint-url', do: 'drop' }),
  ),
  row(
    'a setting of APIv3 that is missing',
    'complaints_unknown',
    'unknown',
    'WeChat Pay did not return the URL for notifications of complaints',
    (setup) => setup.changed({ WECHAT_PAY_V3_KEY: undefined }),
  ),
]

/** The findings of `--register pages/order/order`. */
export const registering: readonly Row[] = [
  row('nothing', 'page_set', 'ok', `set: WeChat opens an order at ${PAGE}`),
  row(
    'nothing',
    'shipping_page_set',
    'ok',
    'set: WeChat’s messages about shipping open pages/order/order',
  ),
  row(
    'nothing',
    'complaints_set',
    'ok',
    `set: WeChat sends notifications of complaints to ${NOTIFY}`,
  ),
  row(
    'a page that WeChat does not accept',
    'page_refused',
    'wrong',
    `WeChat does not accept the page ${PAGE} (10060035)`,
    refusing('order_page', 10_060_035),
  ),
  row(
    'a page that WeChat does not accept for its messages',
    'page_refused',
    'wrong',
    'WeChat does not accept the page pages/order/order (10060014)',
    refusing('shipping_page', 10_060_014),
  ),
  row(
    'an agreement that is not accepted',
    'no_agreement',
    'wrong',
    'the agreement of the order centre is not accepted (10060034)',
    ({ shop }) => {
      shop.wechat.changeSettings({ orderCentreAgreed: false })
      return {}
    },
  ),
  row(
    'WeChat is busy',
    'page_not_set',
    'wrong',
    'not set: the page that WeChat opens for an order (-1)',
    refusing('order_page', -1),
  ),
  row(
    'WeChat is busy, but the other page is set',
    'shipping_page_set',
    'ok',
    'set: WeChat’s messages about shipping open pages/order/order',
    refusing('order_page', -1),
  ),
  row(
    'WeChat does not answer',
    'shipping_page_not_set',
    'wrong',
    'not set: the page that WeChat’s messages about shipping open (wechat_unknown)',
    misbehaving({ on: 'shipping_page', do: 'drop' }),
  ),
  row(
    'a setting of the Mini Program that is missing',
    'shipping_page_not_set',
    'wrong',
    'not set: the page that WeChat’s messages about shipping open (WECHAT_APP_SECRET is not set)',
    (setup) => setup.changed({ WECHAT_APP_SECRET: undefined }),
  ),
  row(
    'WeChat Pay does not answer',
    'complaints_not_set',
    'wrong',
    'not set: the URL for notifications of complaints (wechat_unknown)',
    misbehaving({ on: 'complaint-url', do: 'drop' }),
  ),
  row(
    'WeChat Pay does not answer, but the page is set',
    'page_set',
    'ok',
    `set: WeChat opens an order at ${PAGE}`,
    misbehaving({ on: 'complaint-url', do: 'drop' }),
  ),
  row(
    'a setting of APIv3 that is missing',
    'complaints_not_set',
    'wrong',
    'not set: the URL for notifications of complaints (WECHAT_PAY_V3_KEY is not set)',
    (setup) => setup.changed({ WECHAT_PAY_V3_KEY: undefined }),
  ),
]
