/**
 * Reads English as sentences and reports the forms that `rules.ts` forbids.
 *
 * By retext, because it is maintained, parses Markdown and English into a tree with positions (code
 * is set apart, a sentence has a beginning), and lets a rule be a few lines.
 */
import remarkGfm from 'remark-gfm'
import remarkParse from 'remark-parse'
import remarkRetext from 'remark-retext'
import retextEnglish from 'retext-english'
import retextIndefiniteArticle from 'retext-indefinite-article'
import retextRepeatedWords from 'retext-repeated-words'
import { unified } from 'unified'
import { MAX_WORDS, rules } from './rules.ts'

export interface Complaint {
  /** Counted from the first line of the text, which is 1. */
  readonly line: number
  readonly reason: string
}

type Transform = ReturnType<typeof retextRepeatedWords>
type Root = Parameters<Transform>[0]
type Report = Parameters<Transform>[1]
type Node = Root | Root['children'][number]

/** The leaves of a sentence with their texts; code is one backtick. */
function leavesOf(node: Node): readonly { readonly text: string; readonly node: Node }[] {
  if ('children' in node) return node.children.flatMap(leavesOf)
  if (node.type === 'SourceNode') return [{ text: '`', node }]
  return [{ text: node.value.replaceAll('\n', ' ').replaceAll('’', "'"), node }]
}

function checkSentence(sentence: Node, report: Report): void {
  const leaves = leavesOf(sentence)
  const text = leaves.map((leaf) => leaf.text).join('')
  for (const { pattern, instead, because } of rules)
    for (const { 0: found, index } of text.matchAll(pattern)) {
      let end = 0
      const leaf = leaves.find((one) => (end += one.text.length) > index)
      const quoted = found.length > 60 ? `${found.slice(0, 60)}…` : found
      report.message(`"${quoted}": write ${instead} (${because})`, leaf?.node.position)
    }
  // The parser does not see that a sentence may begin with code, or end with a number.
  const sentences = text.split(/(?<=[.!?]) (?=[`A-Z])/)
  const words = Math.max(...sentences.map((one) => one.match(/[\w'`-]+/g)?.length ?? 0))
  if (words > MAX_WORDS)
    report.message(`a sentence of ${words} words: at most ${MAX_WORDS}`, sentence.position)
}

function visit(node: Node, report: Report): void {
  if (node.type === 'SentenceNode') checkSentence(node, report)
  else if ('children' in node) for (const child of node.children) visit(child, report)
}

const english = unified().use(retextEnglish)
english
  .use(retextRepeatedWords)
  .use(retextIndefiniteArticle)
  .use(() => visit)

/** Only the messages are wanted, not a text. */
function compileToNothing(this: { compiler: unknown }): void {
  this.compiler = () => ''
}

const processor = unified()
  .use(remarkParse)
  .use(remarkGfm)
  .use(remarkRetext, english)
  .use(compileToNothing)
  .freeze()

/**
 * The package takes this word for a spoken one, but its letters are spelled out: an http(s) URL.
 */
const SPELLED_OUT = '`http`'

/** Everything the rules have against a text, which is read as Markdown. */
export async function lint(text: string): Promise<readonly Complaint[]> {
  const { messages } = await processor.process(text)
  return messages
    .filter(({ reason }) => !reason.includes(SPELLED_OUT))
    .map(({ line, reason }) => ({ line: line ?? 1, reason }))
}
