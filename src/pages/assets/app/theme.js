// Before anything is drawn, so that nothing flickers: the colours that the reader chose.
try {
  const theme = localStorage.getItem('theme')
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme
} catch {
  // In a frame of another site browsers may keep no data of ours.
}
