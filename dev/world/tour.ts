/**
 * The commands to try in the local world: from the catalogue to an order that is paid, refunded,
 * shipped, complained about and compared with the bill.
 *
 * Each command is one line that needs no output of another line. It works in sh, cmd and
 * PowerShell. cmd knows only double quotes. PowerShell loses nested double quotes, and its `curl`
 * is another program. Windows consoles do not send Chinese as UTF-8, so all text is ASCII.
 */
export interface Tour {
  readonly url: string
  readonly merchantKey: string
  readonly cronSecret: string
  /** The numbers of the order and of its complaint, new for each start. */
  readonly outTradeNo: string
  readonly complaintId: string
  /** Today in Beijing. */
  readonly day: string
  readonly isWindows: boolean
  /** The parts of the world that are simulated. A step that needs another one is left out. */
  readonly has: ReadonlySet<Part>
}

export type Part = 'WeChat Pay' | 'Mini Program API' | 'database' | 'merchant' | 'clock'

interface Step {
  readonly title: string
  readonly command: string
  readonly needs?: readonly Part[]
}

type Fields = Readonly<Record<string, string | object>>

export function tourOf({
  url,
  merchantKey,
  cronSecret,
  outTradeNo,
  complaintId,
  day,
  isWindows,
  has,
}: Tour): readonly Step[] {
  const curl = isWindows ? 'curl.exe' : 'curl'
  const as = (key: string) => `-H "authorization: Bearer ${key}"`
  // Encodes every character that a shell or a form gives a special meaning.
  const encode = (text: string) =>
    isWindows
      ? encodeURIComponent(text).replaceAll(/[!'()*]/g, toPercent)
      : text.replaceAll('%', '%25')
  const send = (fields: Fields) => {
    const form = Object.entries(fields).map(
      ([name, value]) =>
        `${name}=${encode(typeof value === 'string' ? value : JSON.stringify(value))}`,
    )
    const needsQuotes = !isWindows && form.some((field) => field.includes('"'))
    return needsQuotes ? `-d '${form.join('&')}'` : `-d "${form.join('&')}"`
  }
  const steps: readonly Step[] = [
    {
      title: 'The merchant puts a mocha for 28 yuan into the catalogue.',
      command: `${curl} -X PUT ${as(merchantKey)} ${send({ products: [{ sku: 'mocha', name: 'Mocha', price: 2800 }] })} ${url}/api/products`,
    },
    { title: 'The catalogue is public.', command: `${curl} ${url}/api/products` },
    {
      title: 'A payer opens the Mini Program, so WeChat knows this payer from now on.',
      command: `${curl} ${send({ openid: 'oVisitor' })} ${url}/wechat/control/login`,
      needs: ['WeChat Pay'],
    },
    {
      title: 'The merchant’s own system places an order for that payer.',
      command: `${curl} ${as(merchantKey)} ${send({ outTradeNo, openid: 'oVisitor', totalFee: '2800', body: 'Mocha' })} ${url}/api/orders`,
      needs: ['WeChat Pay'],
    },
    {
      title: 'Prepay gives the argument of wx.requestPayment.',
      command: `${curl} ${as(merchantKey)} ${send({ outTradeNo })} ${url}/api/prepay`,
      needs: ['WeChat Pay'],
    },
    {
      title: 'The payer pays: the answer of prepay goes to the simulated cashier.',
      command: `${curl} -s ${as(merchantKey)} ${send({ outTradeNo })} ${url}/api/prepay | ${curl} -d "@-" ${url}/wechat/control/pay`,
      needs: ['WeChat Pay'],
    },
    {
      title: 'WeChat has notified the functions: the order is SUCCESS.',
      command: `${curl} ${as(merchantKey)} "${url}/api/query?outTradeNo=${outTradeNo}"`,
      needs: ['WeChat Pay'],
    },
    {
      title: '9 yuan are refunded.',
      command: `${curl} ${as(merchantKey)} ${send({ outTradeNo, outRefundNo: `${outTradeNo}-1`, refundFee: '900' })} ${url}/api/refund`,
      needs: ['WeChat Pay'],
    },
    {
      title: 'The mocha is reported to WeChat as handed over.',
      command: `${curl} ${as(merchantKey)} ${send({ outTradeNo, logisticsType: 'self_pickup', items: [{ itemDesc: 'Mocha' }] })} ${url}/api/shipping`,
      needs: ['WeChat Pay', 'Mini Program API'],
    },
    {
      title: 'The payer complains to WeChat, which notifies the functions.',
      command: `${curl} ${send({ outTradeNo, complaintId, detail: 'It is cold' })} ${url}/wechat/control/complaint`,
      needs: ['WeChat Pay'],
    },
    {
      title: 'The merchant replies, and finishes the complaint.',
      command: `${curl} ${as(merchantKey)} ${send({ complaintId, action: 'reply', content: 'We make you another one' })} ${url}/api/console/complaints`,
      needs: ['WeChat Pay'],
    },
    {
      title: '',
      command: `${curl} ${as(merchantKey)} ${send({ complaintId, action: 'finish' })} ${url}/api/console/complaints`,
      needs: ['WeChat Pay'],
    },
    {
      title: 'The signed events that your own system received.',
      command: `${curl} ${url}/merchant/events`,
      needs: ['merchant'],
    },
    {
      title: 'The next morning: all clocks move on, and cron compares WeChat’s bill.',
      command: `${curl} ${send({ to: 'tomorrow-morning' })} ${url}/wechat/control/clock`,
      needs: ['WeChat Pay', 'clock'],
    },
    {
      title: '',
      command: `${curl} ${as(cronSecret)} "${url}/api/cron?bill=${day}"`,
      needs: ['WeChat Pay', 'clock'],
    },
    {
      title: 'The orders in the database.',
      command: 'npm run sql "select out_trade_no, trade_state, total_fee from orders"',
      needs: ['database'],
    },
  ]
  return steps.filter(({ needs = [] }) => needs.every((part) => has.has(part)))
}

const toPercent = (character: string): string =>
  `%${character.charCodeAt(0).toString(16).toUpperCase()}`

/** Numbers the steps. A title is not a command in any shell, so only commands are indented. */
export function renderTour(steps: readonly Step[]): readonly string[] {
  let number = 0
  return steps.flatMap(({ title, command }) => {
    if (title !== '') number += 1
    return [...(title === '' ? [] : [`${number}. ${title}`]), `    ${command}`]
  })
}
