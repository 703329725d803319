/* Shows what /api/health answers. Without this script the page says the same in words. */
const PATIENCE_MS = 15_000

const words = { up: ['up', '正常'], down: ['down', '异常'] }
const summaries = {
  up: [
    'The functions are up, and so is everything they depend on.',
    '云函数运行正常，所依赖的服务均可用。',
  ],
  down: [
    'The functions are up, but something they depend on is down.',
    '云函数在运行，但部分依赖的服务不可用。',
  ],
  silent: ['The functions do not answer.', '云函数没有响应。'],
}

const say = (element, [english, chinese]) => {
  const translation = document.createElement('span')
  translation.lang = 'zh-CN'
  translation.textContent = chinese
  element.replaceChildren(`${english} `, translation)
}

/** 503 carries the same report as 200; anything else is no report. */
const ask = async () => {
  const answer = await fetch('/api/health', { signal: AbortSignal.timeout(PATIENCE_MS) })
  const report = await answer.json()
  return [...document.querySelectorAll('[data-part]')].map((row) => {
    const state = report[row.dataset.part]
    if (!Object.hasOwn(words, state)) throw new Error('not a report')
    return { row, state }
  })
}

const show = async () => {
  document.querySelector('#health').hidden = false
  const summary = document.querySelector('#summary')
  try {
    const rows = await ask()
    for (const { row, state } of rows) {
      row.dataset.state = state
      say(row.querySelector('dd'), words[state])
    }
    say(summary, rows.every(({ state }) => state === 'up') ? summaries.up : summaries.down)
  } catch {
    document.querySelector('#parts').hidden = true
    say(summary, summaries.silent)
  }
}

void show()
