import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { useTexts } from '../base/language.tsx'
import type { PageOf } from './answers.ts'
import type { Answer } from './client.ts'
import { CsvButton } from './csv-button.tsx'
import { Show } from './show.tsx'
import { useAnswer } from './use-answer.ts'

export interface Column<Row> {
  readonly label: string
  /** The text in the CSV file. The page shows it too, unless there is a `cell`. */
  readonly text: (row: Row) => string
  readonly cell?: (row: Row, reload: () => void) => ComponentChildren
  readonly isNumber?: boolean
}

export type LoadPage<Row> = (cursor: string | null, limit: number) => Promise<Answer<PageOf<Row>>>

interface Props<Row> {
  readonly title: string
  readonly empty: string
  readonly columns: readonly Column<Row>[]
  readonly load: LoadPage<Row>
  /** Identifies the filter. When it changes, the list starts at its first page. */
  readonly filter: string
  readonly rowKey: (row: Row) => string | number
  /** The name of the CSV file. */
  readonly file: string
  /** The fields of the filter. */
  readonly children?: ComponentChildren
}

const PAGE = 50

const texts = {
  previous: ['Previous page', '上一页'],
  next: ['Next page', '下一页'],
  page: ['Page {page}', '第 {page} 页'],
  refresh: ['Refresh', '刷新'],
} as const

/** A list with pages. The document holds one page. */
export function ListView<Row>(props: Props<Row>) {
  const say = useTexts(texts)
  const [turn, setTurn] = useState(0)
  const { title, columns, load, file, filter, children } = props
  return (
    <>
      <div class="head">
        <h1>{title}</h1>
        <div class="row">
          <button type="button" onClick={() => setTurn(turn + 1)}>
            {say('refresh')}
          </button>
          <CsvButton key={filter} columns={columns} load={load} file={file} />
        </div>
      </div>
      {children !== undefined && <div class="filters">{children}</div>}
      <Pages key={`${filter} ${turn}`} {...props} />
    </>
  )
}

function Pages<Row>({ title, empty, columns, load, rowKey, filter }: Props<Row>) {
  const say = useTexts(texts)
  const [cursors, setCursors] = useState<readonly (string | null)[]>([null])
  const cursor = cursors.at(-1) ?? null
  const [loaded, reload] = useAnswer(`${filter} ${cursor ?? ''}`, () => load(cursor, PAGE))
  return (
    <Show loaded={loaded} retry={reload}>
      {({ rows, next }) => (
        <>
          {rows.length === 0 ? (
            <p class="empty">{empty}</p>
          ) : (
            <Table title={title} columns={columns} rows={rows} rowKey={rowKey} reload={reload} />
          )}
          {(next !== null || cursors.length > 1) && (
            <div class="pages">
              <button
                type="button"
                disabled={cursors.length === 1}
                onClick={() => setCursors(cursors.slice(0, -1))}
              >
                {say('previous')}
              </button>
              <span role="status">{say('page', { page: cursors.length })}</span>
              <button
                type="button"
                disabled={next === null}
                onClick={() => setCursors([...cursors, next])}
              >
                {say('next')}
              </button>
            </div>
          )}
        </>
      )}
    </Show>
  )
}

interface TableProps<Row> extends Pick<Props<Row>, 'title' | 'columns' | 'rowKey'> {
  readonly rows: readonly Row[]
  readonly reload: () => void
}

/**
 * On a narrow screen the style sheet shows each row as a card. The roles are explicit, because a
 * table with another layout loses them.
 */
function Table<Row>({ title, columns, rows, rowKey, reload }: TableProps<Row>) {
  return (
    <table class="list" role="table" aria-label={title}>
      <thead role="rowgroup">
        <tr role="row">
          {columns.map(({ label, isNumber }) => (
            <th
              key={label}
              role="columnheader"
              scope="col"
              class={isNumber === true ? 'number' : ''}
            >
              {label}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {rows.map((row) => (
          <tr key={rowKey(row)} role="row">
            {columns.map(({ label, text, cell, isNumber }) => (
              <td
                key={label}
                role="cell"
                data-label={label}
                class={isNumber === true ? 'number' : ''}
              >
                {cell === undefined ? <bdi>{text(row)}</bdi> : cell(row, reload)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  )
}
