import { useTexts } from '../base/language.tsx'
import { readBills, type Bill } from './answers.ts'
import { ListView } from './list-view.tsx'
import { toYuan } from './money.ts'
import { hrefOf } from './route.ts'
import { useSession } from './session.tsx'
import { toBeijing } from './time.ts'

const texts = {
  title: ['Bills', '对账'],
  empty: ['There is no bill yet.', '还没有对账单。'],
  day: ['Day', '日期'],
  result: ['Result', '结果'],
  agrees: ['Agrees', '一致'],
  differs: ['Differs', '有差异'],
  not_compared: ['Not compared', '未核对'],
  differences: ['Differences', '差异数'],
  payments: ['Payments', '收款笔数'],
  taken: ['Taken', '收款金额'],
  refunds: ['Refunds', '退款笔数'],
  refunded: ['Refunded', '退款金额'],
  compared: ['Compared', '核对时间'],
} as const

const tones = { agrees: 'good', differs: 'bad', not_compared: 'warn' } as const

const amount = (fen: number | undefined): string => (fen === undefined ? '' : toYuan(fen))
const count = (number: number | undefined): string => (number === undefined ? '' : String(number))

/** The days, newest first, and whether WeChat's bill agrees with the ledger. */
export function BillsView() {
  const say = useTexts(texts)
  const { client } = useSession()
  return (
    <ListView<Bill>
      title={say('title')}
      empty={say('empty')}
      filter=""
      file="bills"
      rowKey={({ day }) => day}
      load={(cursor, limit) => client.get('/api/console/bills', { cursor, limit }, readBills)}
      columns={[
        {
          label: say('day'),
          text: ({ day }) => day,
          cell: ({ day, state }) =>
            state === 'differs' ? <a href={hrefOf('bills', day)}>{day}</a> : day,
        },
        {
          label: say('result'),
          text: ({ state }) => say(state),
          cell: ({ state }) => <span class={`mark ${tones[state]}`}>{say(state)}</span>,
        },
        { label: say('differences'), text: (row) => count(row.differences), isNumber: true },
        { label: say('payments'), text: ({ payments }) => count(payments?.count), isNumber: true },
        { label: say('taken'), text: ({ payments }) => amount(payments?.totalFee), isNumber: true },
        { label: say('refunds'), text: ({ refunds }) => count(refunds?.count), isNumber: true },
        {
          label: say('refunded'),
          text: ({ refunds }) => amount(refunds?.refundFee),
          isNumber: true,
        },
        {
          label: say('compared'),
          text: ({ comparedAt }) => (comparedAt === undefined ? '' : toBeijing(comparedAt)),
        },
      ]}
    />
  )
}
