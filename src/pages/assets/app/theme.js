// Before anything is drawn, so that nothing flickers: the colours that the reader chose.
{
  const theme = localStorage.getItem('theme')
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme
}
