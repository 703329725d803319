/** The merchant's console. */
import { render } from 'preact'
import { LanguageProvider, LanguageSwitch, useTexts } from '../shared/language.tsx'
import '../shared/theme.css'

const texts = {
  title: ['Console', '商户控制台'],
} as const

function Console() {
  const say = useTexts(texts)
  return (
    <header>
      <h1>{say('title')}</h1>
      <LanguageSwitch />
    </header>
  )
}

const app = document.querySelector('#app')
if (app !== null)
  render(
    <LanguageProvider>
      <Console />
    </LanguageProvider>,
    app,
  )
