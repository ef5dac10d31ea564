// What the push puts into the repository.
export const RESULTS = `<testsuites><testsuite name="data" tests="2">
<testcase classname="checks.columns" name="test_names" time="0.25"/>
<testcase classname="checks.columns" name="test_types"><failure message="is text">line 3</failure></testcase>
</testsuite></testsuites>
`;

export const PIPELINE = `
trigger: none
parameters:
- name: alpha
  type: string
  default: '1'
variables:
- group: node-settings
stages:
- stage: Train
  jobs:
  - job: Fit
    steps:
    - bash: mkdir -p out/deep && echo "alpha \${{ parameters.alpha }} colour $(colour)" | tee out/deep/model.txt
      displayName: Fit it
    - task: PublishTestResults@2
      inputs:
        testResultsFiles: results.xml
        testRunTitle: Data quality
    - publish: out
      artifact: drop
- stage: Production
  jobs:
  - deployment: Ship
    environment: node-production
    strategy:
      runOnce:
        deploy:
          steps:
          - bash: echo shipped
            displayName: Ship it
`;
