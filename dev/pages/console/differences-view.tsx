import { useTexts } from '../base/language.tsx'
import { readDifferences, type Difference } from './answers.ts'
import { HandleIncident } from './handle-incident.tsx'
import { ListView } from './list-view.tsx'
import { OrderLink } from './order-link.tsx'
import { useSession } from './session.tsx'
import { Side, toText } from './side.tsx'
import { toBeijing } from './time.ts'

const texts = {
  title: ['Bill of {day}', '{day} 对账单'],
  empty: ['There is no difference.', '没有差异。'],
  kind: ['Kind', '类型'],
  order: ['Order', '订单号'],
  ledger: ['In the ledger', '账本记录'],
  bill: ['In the bill', '对账单记录'],
  incident: ['Incident', '异常处理'],
} as const

/** Every difference between the bill of a day and the ledger. */
export function DifferencesView({ day }: { readonly day: string }) {
  const say = useTexts(texts)
  const { client } = useSession()
  return (
    <ListView<Difference>
      title={say('title', { day })}
      empty={say('empty')}
      filter={day}
      file={`bill-${day}`}
      rowKey={(row) => JSON.stringify(row)}
      load={(cursor, limit) =>
        client.get('/api/console/bills', { day, cursor, limit }, readDifferences)
      }
      columns={[
        { label: say('kind'), text: ({ kind }) => kind },
        {
          label: say('order'),
          text: ({ outTradeNo }) => outTradeNo ?? '',
          cell: ({ outTradeNo }) => <OrderLink outTradeNo={outTradeNo} />,
        },
        {
          label: say('ledger'),
          text: ({ expected }) => toText(expected),
          cell: ({ expected }) => <Side side={expected} />,
        },
        {
          label: say('bill'),
          text: ({ received }) => toText(received),
          cell: ({ received }) => <Side side={received} />,
        },
        {
          label: say('incident'),
          text: ({ incident }) => incident?.note ?? '',
          cell: ({ incident }, reload) => {
            if (incident === undefined) return <>–</>
            return incident.handledAt === undefined ? (
              <HandleIncident id={incident.id} onDone={reload} />
            ) : (
              <>
                <span class="quiet">{toBeijing(incident.handledAt)}</span>{' '}
                <bdi>{incident.note}</bdi>
              </>
            )
          },
        },
      ]}
    />
  )
}
