/** Finds the texts that people read: Markdown pages, comments, and strings of several words. */
import { parseSync, Visitor } from 'rolldown/utils'

export interface Text {
  /** Markdown. */
  readonly text: string
  /** The line of the file on which the text begins, from 1 on. */
  readonly line: number
}

/** Two words in a row, the second in lower case: a string for people, not a list of states. */
const WORDS = /[A-Za-z,;:'’]+ [a-z]{2,}/
/** Strings of words that are not for people: SQL, style sheets, programs. */
const CODE = [
  /\b(?:create|alter|drop) (?:table|index|or replace|function)\b/i,
  /\bselect\b.*\bfrom\b/is,
  /\b(?:insert into|delete from|on conflict|returning|end if|grant \w+ on)\b/i,
  /\bupdate \S+ set\b|\b(?:re)?set (?:role|session_\w+)\b/i,
  /\{[^}]*:[^}]*;/,
  /^\s*import '/,
]

/** Comments, doc comments, and strings of words: test names, error texts, reports. */
export function textsOfSource(file: string, source: string): readonly Text[] {
  const { program, comments } = parseSync(file, source, { lang: langOf(file) })
  const lineOf = createLineFinder(source)
  const texts: Text[] = []
  const lines: Text[] = []
  let lastLine = -1
  for (const comment of comments) {
    const line = lineOf(comment.start)
    const before = lines.at(-1)
    if (comment.type === 'Block') texts.push({ text: withoutStars(comment.value), line })
    else if (line === lastLine + 1 && before !== undefined)
      lines[lines.length - 1] = { ...before, text: `${before.text}\n${comment.value.trim()}` }
    else lines.push({ text: comment.value.trim(), line })
    if (comment.type === 'Line') lastLine = line
  }
  texts.push(...lines)
  const addString = (text: string, at: number): void => {
    if (WORDS.test(text) && !CODE.some((form) => form.test(text)))
      texts.push({ text, line: lineOf(at) })
  }
  new Visitor({
    Literal(node) {
      if (typeof node.value === 'string') addString(node.value, node.start)
    },
    TemplateLiteral(node) {
      addString(node.quasis.map(({ value }) => value.cooked ?? value.raw).join('`x`'), node.start)
    },
  }).visit(program)
  return texts
}

const langOf = (file: string) => (file.endsWith('.tsx') ? 'tsx' : 'ts')

const withoutStars = (comment: string): string => comment.replaceAll(/^ *\*? ?/gm, '')

function createLineFinder(source: string): (offset: number) => number {
  const starts = [...source.matchAll(/^/gm)].map(({ index }) => index)
  return (offset) => starts.findLastIndex((start) => start <= offset) + 1
}

const MARKDOWN_COLUMNS = 120
const COMMENT_COLUMNS = 100

export interface WideLine {
  readonly line: number
  readonly columns: number
}

/**
 * A URL cannot be broken, so it has no width. A command in a fence is one line, so that it can be
 * pasted into any shell.
 */
export function findWideMarkdown(page: string): readonly WideLine[] {
  const withoutFences = page.replaceAll(/^ *```[^]*?^ *```/gm, (fence) =>
    fence.replaceAll(/./g, ''),
  )
  return findWide(withoutFences.replaceAll(/https?:\/\/[^\s)>]+/g, ''), MARKDOWN_COLUMNS)
}

export function findWideComments(file: string, source: string): readonly WideLine[] {
  const { comments } = parseSync(file, source, { lang: langOf(file) })
  const lineOf = createLineFinder(source)
  return findWide(source, COMMENT_COLUMNS).filter(({ line }) =>
    comments.some(({ start, end }) => lineOf(start) <= line && line <= lineOf(end)),
  )
}

const findWide = (text: string, limit: number): readonly WideLine[] =>
  text
    .split('\n')
    .map((content, index) => ({ line: index + 1, columns: content.length }))
    .filter(({ columns }) => columns > limit)
