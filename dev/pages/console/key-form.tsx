import { useState } from 'preact/hooks'
import { LanguageSwitch, useTexts } from '../base/language.tsx'
import { readOverview } from './answers.ts'
import { createClient, type Client, type Problem } from './client.ts'
import { ProblemNotice } from './problem-notice.tsx'

const texts = {
  title: ['Merchant console', '商户控制台'],
  key: ['Merchant key', '商户密钥'],
  where: [
    'The MERCHANT_API_KEY of this deployment. It stays in the memory of this tab. Closing, reloading or leaving the page clears it.',
    '本部署的 MERCHANT_API_KEY。只保存在此标签页的内存中，关闭、刷新或离开页面后即清除。',
  ],
  open: ['Open', '打开'],
  opening: ['Checking …', '正在验证……'],
} as const

/**
 * The field is not a password field, because browsers offer to store passwords. The style sheet
 * hides its text.
 */
export function KeyForm({ onOpen }: { readonly onOpen: (client: Client) => void }) {
  const say = useTexts(texts)
  const [key, setKey] = useState('')
  const [isBusy, setBusy] = useState(false)
  const [problem, setProblem] = useState<Problem | null>(null)
  const open = async () => {
    setBusy(true)
    setProblem(null)
    const client = createClient(key.trim())
    const answer = await client.get('/api/console/overview', {}, readOverview)
    setBusy(false)
    if (answer.ok) onOpen(client)
    else setProblem(answer.problem)
  }
  return (
    <main class="gate">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void open()
        }}
        autocomplete="off"
      >
        <h1>{say('title')}</h1>
        <label for="key">{say('key')}</label>
        <input
          id="key"
          class="secret"
          type="text"
          value={key}
          onInput={(event) => setKey(event.currentTarget.value)}
          autocomplete="off"
          autocapitalize="off"
          autocorrect="off"
          spellcheck={false}
          required
          aria-describedby="key-where"
        />
        <p id="key-where" class="quiet">
          {say('where')}
        </p>
        {problem !== null && <ProblemNotice problem={problem} />}
        <p class="row">
          <button type="submit" class="primary" disabled={isBusy || !/^[!-~]+$/.test(key.trim())}>
            {isBusy ? say('opening') : say('open')}
          </button>
          <LanguageSwitch />
        </p>
      </form>
    </main>
  )
}
