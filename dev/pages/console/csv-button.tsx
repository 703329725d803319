import { useEffect, useRef, useState } from 'preact/hooks'
import { useTexts } from '../base/language.tsx'
import type { Problem } from './client.ts'
import { BYTE_ORDER_MARK, toCsv } from './csv.ts'
import type { Column, LoadPage } from './list-view.tsx'
import { ProblemNotice } from './problem-notice.tsx'

/** The most that one call returns. */
const PAGE = 100

/** By then the browser has started the download. */
const REVOKE_AFTER_MS = 60_000

const texts = {
  save: ['Save as CSV', '导出 CSV'],
  stop: ['Stop ({count} {count|row|rows})', '停止（{count} 行）'],
  saved: ['{count} {count|row|rows} saved.', '已导出 {count} 行。'],
} as const

interface Props<Row> {
  readonly columns: readonly Column<Row>[]
  readonly load: LoadPage<Row>
  readonly file: string
}

type Progress =
  | { readonly state: 'idle' }
  | { readonly state: 'running' | 'saved'; readonly count: number }
  | { readonly state: 'failed'; readonly problem: Problem }

/**
 * Saves the whole list with its filter. Each page is added to the file as it arrives, so that the
 * browser may keep the file on disk.
 */
export function CsvButton<Row>({ columns, load, file }: Props<Row>) {
  const say = useTexts(texts)
  const [progress, setProgress] = useState<Progress>({ state: 'idle' })
  const run = useRef(0)
  useEffect(() => () => void run.current++, [])
  const save = async () => {
    const turn = ++run.current
    let blob = new Blob([BYTE_ORDER_MARK, toCsv([columns.map(({ label }) => label)])], {
      type: 'text/csv;charset=utf-8',
    })
    let cursor: string | null = null
    let count = 0
    do {
      setProgress({ state: 'running', count })
      const answer: Awaited<ReturnType<LoadPage<Row>>> = await load(cursor, PAGE)
      if (turn !== run.current) return
      if (!answer.ok) return setProgress({ state: 'failed', problem: answer.problem })
      const { rows, next } = answer.value
      const lines = toCsv(rows.map((row) => columns.map(({ text }) => text(row))))
      blob = new Blob([blob, lines], { type: blob.type })
      count += rows.length
      cursor = next
    } while (cursor !== null)
    offer(blob, `${file}.csv`)
    setProgress({ state: 'saved', count })
  }
  const stop = () => {
    run.current++
    setProgress({ state: 'idle' })
  }
  return (
    <>
      {progress.state === 'running' ? (
        <button type="button" onClick={stop}>
          {say('stop', { count: progress.count })}
        </button>
      ) : (
        <button type="button" onClick={() => void save()}>
          {say('save')}
        </button>
      )}
      {progress.state === 'saved' && (
        <span role="status" class="quiet">
          {say('saved', { count: progress.count })}
        </span>
      )}
      {progress.state === 'failed' && <ProblemNotice problem={progress.problem} />}
    </>
  )
}

function offer(blob: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(blob)
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), REVOKE_AFTER_MS)
}
