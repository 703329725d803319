/* Shows the answer of /api/health. Without this script the page only links to it. */
const TIMEOUT_MS = 15_000

const words = { up: ['up', '正常'], down: ['down', '异常'] }
const summaries = {
  up: ['The functions and all services they depend on are up.', '运行正常，所依赖的服务均可用。'],
  down: [
    'The functions are up, but a service they depend on is down.',
    '正在运行，但部分依赖的服务不可用。',
  ],
  silent: ['The functions do not respond.', '函数没有响应。'],
}

const setText = (element, [english, chinese]) => {
  const translation = document.createElement('span')
  translation.lang = 'zh-CN'
  translation.textContent = chinese
  element.replaceChildren(`${english} `, translation)
}

/** A 503 has the same report as a 200. Any other answer throws. */
const readHealth = async () => {
  const answer = await fetch('/api/health', { signal: AbortSignal.timeout(TIMEOUT_MS) })
  const report = await answer.json()
  return [...document.querySelectorAll('[data-part]')].map((row) => {
    const state = report[row.dataset.part]
    if (!Object.hasOwn(words, state)) throw new Error('the answer is not a health report')
    return { row, state }
  })
}

const show = async () => {
  document.querySelector('#health').hidden = false
  const summary = document.querySelector('#summary')
  try {
    const rows = await readHealth()
    for (const { row, state } of rows) {
      row.dataset.state = state
      setText(row.querySelector('dd'), words[state])
    }
    setText(summary, rows.every(({ state }) => state === 'up') ? summaries.up : summaries.down)
  } catch {
    document.querySelector('#parts').hidden = true
    setText(summary, summaries.silent)
  }
}

void show()
