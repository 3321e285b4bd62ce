/** What the privacy report is made with. A bundle of its own, which is loaded when somebody asks for the report. */
export { networkSection, unknownNetworkSection } from './ui/networkSection';
export { privacyReport } from './ui/privacyReport';
export { commandsOf, reportHtml, reportMarkdown, type Report } from './ui/report';
export { webPage } from './ui/webPage';
