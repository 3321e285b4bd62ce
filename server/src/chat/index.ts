/** Conversations about the workspace: kept, answered, stopped, gone on with. */
export { Chats, type ChatsOptions } from './chats';
export { ConversationStore, workspaceKey } from './store';
