/** The next morning: every clock moves on, cron runs, and WeChat's bill is compared. */
import { useState } from 'preact/hooks'
import * as v from 'valibot'
import { useTexts } from '../../base/language.tsx'
import { callWorld, type WorldAnswer } from '../call-world.ts'
import { WorldDialog } from '../world-dialog.tsx'
import { BillTable } from './bill-table.tsx'
import { switchTexts } from './texts.ts'

const sweptSchema = v.object({ settled: v.number(), closed: v.number(), delivered: v.number() })
const comparisonSchema = v.object({
  bill: v.object({ payments: v.number(), refunds: v.number(), differences: v.number() }),
})
const problemSchema = v.object({ detail: v.string() })
const morningSchema = v.object({
  now: v.string(),
  cron: v.union([sweptSchema, problemSchema]),
  bill: v.nullable(v.object({ day: v.string(), text: v.string() })),
  comparison: v.nullable(v.union([comparisonSchema, problemSchema])),
})
type MorningAnswer = WorldAnswer<v.InferOutput<typeof morningSchema>>

export function Morning() {
  const say = useTexts(switchTexts)
  const [isMoving, setMoving] = useState(false)
  const [answer, setAnswer] = useState<MorningAnswer | null>(null)
  const move = async () => {
    setMoving(true)
    setAnswer(await callWorld('POST', '/world/tomorrow-morning', morningSchema))
    setMoving(false)
  }
  return (
    <>
      <button type="button" disabled={isMoving} onClick={() => void move()}>
        ☀ {say(isMoving ? 'moving' : 'morning')}
      </button>
      {answer?.ok === false && (
        <p class="refused" role="alert">
          {answer.reason ?? say('failed')}
        </p>
      )}
      {answer?.ok === true && (
        <WorldDialog
          title={say('morningTitle')}
          closeLabel={say('close')}
          close={() => setAnswer(null)}
        >
          <Report {...answer.value} />
        </WorldDialog>
      )}
    </>
  )
}

function Report({ now, cron, bill, comparison }: v.InferOutput<typeof morningSchema>) {
  const say = useTexts(switchTexts)
  const time = now.slice(0, 16).replace('T', ' ')
  return (
    <>
      <p>
        {'detail' in cron
          ? say('cronFailed', { time, detail: cron.detail })
          : say('now', { time, ...cron })}
      </p>
      {bill === null && <p>{say('noBill')}</p>}
      {bill !== null && (
        <>
          <h3>{say('bill', { day: bill.day })}</h3>
          <BillTable text={bill.text} />
        </>
      )}
      {comparison !== null && (
        <p class={'bill' in comparison && comparison.bill.differences === 0 ? 'good' : 'bad'}>
          {'bill' in comparison
            ? say('compared', comparison.bill)
            : say('notCompared', { detail: comparison.detail })}
        </p>
      )}
    </>
  )
}
