/** What we know about models, and which one is loaded. */
export * from './budget';
export * from './calibrationStore';
export * from './calibrationText';
export * from './chatFormats';
export * from './chatModel';
export * from './embedded';
export * from './import';
export * from './kvCalibrator';
export * from './kvPageFolders';
export * from './kvPlan';
export * from './modelHost';
export * from './profile';
export * from './probe';
export * from './storedFiles';
export * from './strategies';
