/** The page of the local world: a shop, and every message that a tap in it causes. */
import { render } from 'preact'
import { LanguageProvider } from '../base/language.tsx'
import '../base/theme.css'
import { World } from './world.tsx'

const app = document.querySelector('#app')
if (app !== null)
  render(
    <LanguageProvider>
      <World />
    </LanguageProvider>,
    app,
  )
