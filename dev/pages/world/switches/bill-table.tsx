/** A bill as WeChat writes it: names, rows, and at the end the names and values of the sums. */
import { useTexts } from '../../base/language.tsx'
import { switchTexts } from './texts.ts'

/** Each value begins with a backtick, and a comma inside a value is escaped. */
const valuesOf = (line: string): readonly string[] =>
  line.startsWith('`') ? line.slice(1).split(',`') : line.split(',')

export function BillTable({ text }: { readonly text: string }) {
  const say = useTexts(switchTexts)
  const lines = text
    .replace('\uFEFF', '')
    .split(/\r?\n/)
    .filter((line) => line !== '')
    .map(valuesOf)
  return (
    <div class="bill" tabIndex={0} role="region" aria-label={say('bill', { day: '' })} lang="zh-CN">
      <Table names={lines[0] ?? []} rows={lines.slice(1, -2)} />
      <Table names={lines.at(-2) ?? []} rows={lines.slice(-1)} />
    </div>
  )
}

interface TableProps {
  readonly names: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

const Table = ({ names, rows }: TableProps) => (
  <table>
    <thead>
      <tr>
        {names.map((name) => (
          <th key={name} scope="col">
            {name}
          </th>
        ))}
      </tr>
    </thead>
    <tbody>
      {rows.map((row, number) => (
        <tr key={number}>
          {row.map((value, column) => (
            <td key={column}>{value}</td>
          ))}
        </tr>
      ))}
    </tbody>
  </table>
)
