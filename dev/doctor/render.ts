/** Renders a diagnosis for people. */
import { styleText } from 'node:util'
import { checks } from './checks.ts'
import type { Diagnosis } from './diagnose.ts'
import type { Finding, Status } from './finding.ts'
import { PROCESS, type Source } from './read-environment.ts'
import { wrap } from './wrap.ts'

export interface Page {
  readonly columns: number
  readonly colour: boolean
}

type Style = Parameters<typeof styleText>[0]

const marks: Readonly<Record<Status, { readonly mark: string; readonly style: Style }>> = {
  ok: { mark: '✓', style: 'green' },
  warning: { mark: '!', style: 'yellow' },
  wrong: { mark: '✗', style: 'red' },
  unknown: { mark: '?', style: 'yellow' },
  skipped: { mark: '–', style: 'dim' },
}

/** Wider lines are hard to read, and narrower ones hard to fill. */
const WIDEST = 110
const NARROWEST = 40

const painter =
  ({ colour }: Page) =>
  (style: Style, text: string): string =>
    colour ? styleText(style, text, { validateStream: false }) : text

/** One line below the other, the first one after `head`. */
function hang(
  head: string,
  headColumns: number,
  text: string,
  { columns }: Page,
): readonly string[] {
  const width = Math.min(Math.max(columns, NARROWEST), WIDEST) - headColumns
  return wrap(text, width).map(
    (line, index) => (index === 0 ? head : ' '.repeat(headColumns)) + line,
  )
}

export function render(
  diagnosis: Diagnosis,
  { from, odd }: Pick<Source, 'from' | 'odd'>,
  page: Page,
): string {
  const { findings } = diagnosis
  const paint = painter(page)
  const lines = [
    ...hang('', 0, `Read: ${from.join(', ')}.`, page),
    ...showOdd(odd, page),
    ...hang('', 0, judgement(diagnosis), page),
  ]
  for (const { name, title } of checks) {
    const own = findings.filter(({ check }) => check === name)
    if (own.length > 0)
      lines.push('', paint('bold', title), ...own.flatMap((finding) => show(finding, page)))
  }
  return [...lines, '', ...hang('', 0, summary(diagnosis), page), ''].join('\n')
}

const showOdd = (odd: Source['odd'], page: Page): readonly string[] =>
  odd.flatMap(({ what, where }) =>
    hang(`${painter(page)('yellow', '!')} `, 2, `${what}: ${where}`, page),
  )

const judgement = ({ judgedAs }: Diagnosis): string =>
  judgedAs === 'production'
    ? 'Judged as production.'
    : 'Judged as a trial (by VERCEL_ENV, or because a stand-in is named): what production would refuse is a warning.'

function show({ status, what, why, where }: Finding, page: Page): readonly string[] {
  const paint = painter(page)
  const { mark, style } = marks[status]
  const detail = (label: string, text: string) =>
    text === '' ? [] : hang(`    ${paint('dim', label)}  `, 11, text, page)
  return [
    ...hang(`  ${paint(style, mark)} `, 4, what, page),
    ...detail('why  ', why),
    ...detail('where', where),
  ]
}

function summary({ findings, judgedAs }: Diagnosis): string {
  const count = (status: Status) => findings.filter((finding) => finding.status === status).length
  const [wrong, unknown, warnings] = [count('wrong'), count('unknown'), count('warning')]
  const warned = warnings === 0 ? '' : ` (${warnings} ${warnings === 1 ? 'warning' : 'warnings'})`
  if (wrong > 0)
    return `${wrong} wrong${warned}. Fix the lines marked ✗ from the top, then run npm run doctor again.`
  if (unknown > 0)
    return `Nothing is wrong${warned}, but ${unknown} could not be asked: run npm run doctor again, or from another network.`
  return `Nothing is wrong${warned}. Next: ${judgedAs === 'production' ? PAY : PULL}`
}

const PAY =
  'set the catalogue (README), and pay one fen in the Mini Program yourself: no program can try that for you.'
const PULL =
  'the same for what production has: npx vercel env pull --environment=production .env.production.local, then npm run doctor -- --env-file .env.production.local (what Vercel keeps as sensitive comes empty: write it in by hand)'

/** The file for the values. The example must not overwrite an existing file. */
function fill(from: readonly string[]): string {
  const file =
    from.find((name) => name === '.env.local') ??
    from.find((name) => name === '.env') ??
    (from.length === 1 ? from[0] : undefined)
  return file === undefined || file === PROCESS
    ? 'Copy .env.example to .env.local, fill it in'
    : `Fill in ${file} (.env.example shows the form)`
}

/** Rendered if nothing is configured: the values to set, and where each is found. */
export function renderChecklist({ from, odd }: Pick<Source, 'from' | 'odd'>, page: Page): string {
  const paint = painter(page)
  const lines = [
    ...hang('', 0, `Read: ${from.join(', ')}. Nothing is configured there yet.`, page),
    ...showOdd(odd, page),
    '',
    ...hang(
      '',
      0,
      `These are the values to find. ${fill(from)}, and run npm run doctor again: it tests them.`,
      page,
    ),
    ...hang('', 0, 'Just looking? npm run demo and npm start need none of them.', page),
  ]
  for (const { title, settings } of checks) {
    const wanted = settings.filter(
      ({ need, applies }) => need !== 'exception' && applies?.({}) !== false,
    )
    lines.push('', paint('bold', title))
    for (const { names, what, where, need } of wanted) {
      const box = need === 'required' ? '[ ]' : '( )'
      lines.push(
        `  ${box} ${names[0]}`,
        ...hang('      ', 6, what, page),
        ...hang('      ', 6, where, page).map((line) => paint('dim', line)),
      )
    }
  }
  return [...lines, '', '[ ] is needed by every shop, ( ) may wait.', ''].join('\n')
}
