/** The merchant's console. */
import { render } from 'preact'
import { LanguageProvider } from '../base/language.tsx'
import '../base/theme.css'
import { App } from './app.tsx'
import './console.css'

const place = document.querySelector('#app')
if (place !== null)
  render(
    <LanguageProvider>
      <App />
    </LanguageProvider>,
    place,
  )
