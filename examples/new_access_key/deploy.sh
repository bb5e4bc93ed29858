#!/usr/bin/env bash
# Makes the function, what it may do, and the notification that wakes it. The AWS CLI goes where its environment says:
# to Trailhound after `eval "$(trailhound env)"`, else to AWS, where LOGS names the trail's bucket.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

name=my-function
account=$(aws sts get-caller-identity --query Account --output text)
logs=${LOGS:-trailhound-logs-$account-$AWS_REGION}
reactions=reactions-$account

aws s3 mb "s3://$reactions"

role=$(aws iam create-role --role-name "$name" --assume-role-policy-document file://trust.json \
    --query Role.Arn --output text)
aws iam put-role-policy --role-name "$name" --policy-name logs-and-reactions --policy-document '{
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::'"$logs"'/*"},
        {"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::'"$reactions"'/*"}
    ]
}'

rm -f app.zip
python3 -m zipfile -c app.zip app.py
function=$(aws lambda create-function --function-name "$name" --runtime python3.13 --handler app.handler \
    --role "$role" --zip-file fileb://app.zip --environment "Variables={REACTIONS=$reactions}" \
    --query FunctionArn --output text)
aws lambda wait function-active-v2 --function-name "$name"

aws lambda add-permission --function-name "$name" --statement-id logs --action lambda:InvokeFunction \
    --principal s3.amazonaws.com --source-arn "arn:aws:s3:::$logs" --source-account "$account"
aws s3api put-bucket-notification-configuration --bucket "$logs" --notification-configuration '{
    "LambdaFunctionConfigurations": [{"LambdaFunctionArn": "'"$function"'", "Events": ["s3:ObjectCreated:*"]}]
}'
